import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startEmbeddedDatabase } from './embedded-database.js';

describe('the embedded database in a folder', () => {
  let parent: string;
  let dataDir: string;
  beforeEach(() => { parent = mkdtempSync(join(tmpdir(), 'dialfleet-postgres-')); dataDir = join(parent, 'postgres'); });
  afterEach(() => { rmSync(parent, { recursive: true, force: true }); });

  it('keeps what was written over a restart', async () => {
    await query('CREATE TABLE note (text text)', "INSERT INTO note VALUES ('kept')");
    expect(await query('SELECT text FROM note')).toEqual([{ text: 'kept' }]);
  });

  it('begins anew where a first start was cut short', async () => {
    mkdirSync(`${dataDir}.unfinished`);
    writeFileSync(join(`${dataDir}.unfinished`, 'PG_VERSION'), '18\n');
    expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(`${dataDir}.unfinished`)).toBe(false);
  });

  async function query(...statements: string[]): Promise<unknown[]> {
    const database = await startEmbeddedDatabase({ dataDir });
    const client = new pg.Client(database.connectionString);
    try {
      await client.connect();
      let rows: unknown[] = [];
      for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement));
      return rows;
    } finally { await client.end(); await database.close(); }
  }
});
