import pg from 'pg';

/** One connection, to be opened with `connect()`. Lost between two queries it fails the next one, and not the process. */
export function pgClient(config: pg.ClientConfig): pg.Client {
  const client = new pg.Client(config);
  client.on('error', () => undefined);
  return client;
}
