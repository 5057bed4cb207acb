import { defineConfig } from 'prisma/config';

// `generate`, `validate` and `format` run on WASM alone, but the CLI insists on a schema engine binary and would fetch
// one: any executable satisfies the check. Commands that need the real engine name it themselves.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? 'postgresql://localhost/dialfleet' },
});
