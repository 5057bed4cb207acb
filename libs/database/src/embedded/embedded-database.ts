import { existsSync, openAsBlob, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { WireServer } from './wire-server.js';

export interface EmbeddedDatabase { connectionString: string; close(): Promise<void> }

/**
 * PostgreSQL in WASM (PGlite) behind a real socket on 127.0.0.1, for `npm start` without DATABASE_URL and for tests.
 * `dataDir` undefined: in memory. PGlite takes no lock on its folder: the caller sees to it that nobody else opens it.
 */
export async function startEmbeddedDatabase(options: { dataDir?: string; port?: number } = {}): Promise<EmbeddedDatabase> {
  const db = await open(options.dataDir);
  const wire = await WireServer.listen(db, options.port ?? 0);
  return {
    connectionString: `postgresql://postgres@127.0.0.1:${wire.port}/postgres`,
    close: async () => { await wire.close(); await db.close(); },
  };
}

async function open(dataDir: string | undefined): Promise<PGlite> {
  const { PGlite } = await import('@electric-sql/pglite');
  if (dataDir === undefined) return PGlite.create(await blankDatabase());
  if (!existsSync(join(dataDir, 'PG_VERSION'))) {
    // Under another name until it is whole: who is killed meanwhile leaves no half a database.
    const unfinished = `${dataDir}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    await (await PGlite.create(unfinished, await blankDatabase())).close();
    renameSync(unfinished, dataDir);
  }
  return PGlite.create(dataDir);
}

/** What `tools/blank-database.mjs` made saves the seconds that initdb takes; without it PGlite runs initdb. */
async function blankDatabase(): Promise<{ loadDataDir?: Blob }> {
  const file = createRequire(import.meta.url).resolve('@electric-sql/pglite').replace(/[^/\\]+$/, 'blank-database.tar');
  return existsSync(file) ? { loadDataDir: await openAsBlob(file) } : {};
}
