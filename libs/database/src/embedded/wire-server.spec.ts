import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { startEmbeddedDatabase, type EmbeddedDatabase } from './embedded-database.js';
import { FrontendMessages } from './frontend-messages.js';

describe('the embedded database behind its socket', () => {
  let database: EmbeddedDatabase;
  const clients: pg.Client[] = [];
  const client = async (): Promise<pg.Client> => {
    const connected = new pg.Client({ connectionString: database.connectionString });
    connected.on('error', () => undefined);
    await connected.connect();
    clients.push(connected);
    return connected;
  };
  beforeAll(async () => {
    database = await startEmbeddedDatabase();
    await (await client()).query('CREATE TABLE notes (id int PRIMARY KEY, text text)');
  });
  afterAll(async () => { for (const each of clients) await each.end().catch(() => undefined); await database.close(); });

  it('never mixes the statements of many clients', async () => {
    const many = await Promise.all(Array.from({ length: 8 }, () => client()));
    await Promise.all(many.map(async (each, n) => {
      for (let i = 0; i < 60; i++) {
        const columns = 1 + ((n + i) % 3);
        const { rows } = await each.query({ text: `SELECT ${Array.from({ length: columns }, (_, c) => `$${c + 1}::text AS c${c}`).join(', ')}`, values: Array.from({ length: columns }, (_, c) => `${n}-${i}-${c}`), rowMode: 'array' });
        expect(rows).toEqual([Array.from({ length: columns }, (_, c) => `${n}-${i}-${c}`)]);
      }
    }));
  });

  it('keeps others out of an open transaction, and lets them in after it', async () => {
    const [writer, reader] = [await client(), await client()];
    await writer.query('BEGIN');
    await writer.query('INSERT INTO notes VALUES ($1, $2)', [1, 'draft']);
    const seen = reader.query<{ text: string }>('SELECT text FROM notes WHERE id = $1', [1]);
    await writer.query('UPDATE notes SET text = $1 WHERE id = 1', ['final']);
    await writer.query('COMMIT');
    expect((await seen).rows).toEqual([{ text: 'final' }]);
  });

  it('rolls back what a client left open when it went away', async () => {
    const [leaver, stayer] = [await client(), await client()];
    await leaver.query('BEGIN');
    await leaver.query('INSERT INTO notes VALUES (2, $1)', ['lost']);
    (leaver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    expect((await stayer.query('SELECT * FROM notes WHERE id = 2')).rows).toEqual([]);
  });

  it('answers errors to the one who made them, and goes on', async () => {
    const [clumsy, careful] = [await client(), await client()];
    const outcomes = await Promise.allSettled([clumsy.query('SELECT $1::int', ['x']), careful.query('SELECT 1 AS one'), clumsy.query('nonsense'), careful.query('SELECT 2 AS two')]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
    await clumsy.query('BEGIN');
    await expect(clumsy.query('nonsense')).rejects.toThrow('syntax error');
    await clumsy.query('ROLLBACK');
    expect((await careful.query('SELECT 3 AS three')).rows).toEqual([{ three: 3 }]);
  });
});

describe('the frontend protocol', () => {
  const startup = Buffer.from([0, 0, 0, 8, 0, 3, 0, 0]);
  const typed = (kind: string, body: number[]): Buffer => Buffer.from([kind.charCodeAt(0), 0, 0, 0, body.length + 4, ...body]);

  it('is cut into the same messages however the bytes arrive', () => {
    const stream = Buffer.concat([startup, typed('P', [1, 2]), typed('S', []), typed('Q', [3])]);
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 40 }), (sizes) => {
      const messages = new FrontendMessages();
      const kinds: string[] = [];
      for (let at = 0, i = 0; at < stream.length; i++) { const size = sizes[i % sizes.length]; kinds.push(...messages.push(stream.subarray(at, at + size)).map((m) => m.kind)); at += size; }
      expect(kinds).toEqual(['startup', 'P', 'S', 'Q']);
    }));
  });
});
