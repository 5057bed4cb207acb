#!/usr/bin/env node
/**
 * Writes the next migration from the difference between prisma/migrations and prisma/schema.prisma, offline: Prisma's
 * schema engine as WASM, an in-memory PGlite as shadow database.
 *
 *   node tools/migrate-author.mjs <name>    writes prisma/migrations/<UTC time>_<name>/migration.sql
 *   node tools/migrate-author.mjs --check   exit code 1 when the schema has changes without a migration
 *
 * Read what it wrote before committing it: the engine sees a renamed column as one dropped and one added.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { PrismaPGlite } from 'pglite-prisma-adapter';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const schemaPath = 'prisma/schema.prisma';
const migrationsDir = 'prisma/migrations';
const filters = { externalTables: [], externalEnums: [] };

const [argument] = process.argv.slice(2);
if (!argument) {
  console.error('usage: node tools/migrate-author.mjs <name> | --check');
  process.exit(2);
}

const engine = await openEngine();
const sql = await pendingChanges();
if (argument === '--check') {
  if (sql) console.error(`prisma/schema.prisma has changes without a migration:\n${sql}`);
  process.exit(sql ? 1 : 0);
}
if (!sql) {
  console.error('nothing to do: the migrations already give the schema');
  process.exit(0);
}
const written = writeMigration(argument, sql);
await engine.applyMigrations({ migrationsList: migrationsList(), filters });
if (await pendingChanges()) throw new Error(`${written} does not give the schema`);
console.error(`wrote ${written}`);
process.exit(0);

/** The wasm-bindgen glue expects a bundler: it is given its memory by hand. */
async function openEngine() {
  const gluePath = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const glue = await import(pathToFileURL(gluePath).href);
  const module = new WebAssembly.Module(readFileSync(join(dirname(gluePath), 'schema_engine_bg.wasm')));
  const instance = new WebAssembly.Instance(module, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPGlite(new PGlite()));
  return glue.SchemaEngine.new({ datamodels: [[schemaPath, readFileSync(schemaPath, 'utf8')]] }, () => undefined, adapter);
}

/** SQL from the migrations' end state to the schema; '' when there is none. */
async function pendingChanges() {
  const files = [{ path: schemaPath, content: readFileSync(schemaPath, 'utf8') }];
  const difference = await engine.diff({
    from: { tag: 'migrations', ...migrationsList() }, to: { tag: 'schemaDatamodel', files }, script: true, exitCode: true, filters,
  });
  return difference.exitCode === 2 ? difference.stdout : '';
}

function writeMigration(name, text) {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error('name a migration in snake_case');
  const stamp = new Date().toISOString().replace(/[^0-9]/g, '').slice(0, 14);
  const directory = join(migrationsDir, `${stamp}_${name}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'migration.sql'), text);
  return join(directory, 'migration.sql');
}

function migrationsList() {
  const names = readdirSync(migrationsDir, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
  return {
    baseDir: migrationsDir,
    lockfile: { path: 'migration_lock.toml', content: readFileSync(join(migrationsDir, 'migration_lock.toml'), 'utf8') },
    shadowDbInitScript: '',
    migrationDirectories: names.map((name) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: readFileSync(join(migrationsDir, name, 'migration.sql'), 'utf8') } },
    })),
  };
}
