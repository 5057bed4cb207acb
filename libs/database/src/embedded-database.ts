export interface EmbeddedDatabase { connectionString: string; close(): Promise<void> }

/**
 * PostgreSQL in WASM (PGlite) behind a real socket on 127.0.0.1, for `npm start` without DATABASE_URL and for tests.
 * `dataDir` undefined: in memory. PGlite takes no lock on its folder: the caller sees to it that nobody else opens it.
 */
export async function startEmbeddedDatabase(options: { dataDir?: string; port?: number; maxConnections?: number } = {}): Promise<EmbeddedDatabase> {
  const [{ PGlite }, { PGLiteSocketServer }] = await Promise.all([import('@electric-sql/pglite'), import('@electric-sql/pglite-socket')]);
  const db = await PGlite.create(options.dataDir);
  const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: options.port ?? 0, maxConnections: options.maxConnections ?? 32 });
  await server.start();
  return {
    connectionString: `postgresql://postgres@${server.getServerConn()}/postgres`,
    close: async () => { await server.stop(); await db.close(); },
  };
}
