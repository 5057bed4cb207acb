import { WireServer } from './wire-server.js';

export interface EmbeddedDatabase { connectionString: string; close(): Promise<void> }

/**
 * PostgreSQL in WASM (PGlite) behind a real socket on 127.0.0.1, for `npm start` without DATABASE_URL and for tests.
 * `dataDir` undefined: in memory. PGlite takes no lock on its folder: the caller sees to it that nobody else opens it.
 */
export async function startEmbeddedDatabase(options: { dataDir?: string; port?: number } = {}): Promise<EmbeddedDatabase> {
  const { PGlite } = await import('@electric-sql/pglite');
  const db = await PGlite.create(options.dataDir);
  const wire = await WireServer.listen(db, options.port ?? 0);
  return {
    connectionString: `postgresql://postgres@127.0.0.1:${wire.port}/postgres`,
    close: async () => { await wire.close(); await db.close(); },
  };
}
