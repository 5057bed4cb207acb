import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { uuidV7 } from '@dialfleet/kit';
import { argon2Verify } from 'hash-wasm';
import { createApiKey, parseApiKey, secretMatches } from './api-key.js';
import { CallRepository } from './call-repository.js';
import {
  assertReachable, createDatabase, DatabaseUnavailable, isConflict, isForeignKeyViolation, isHealthy, isUnavailable, isUniqueViolation, ownsItsSessions,
  type Database,
} from './database.js';
import { DialoutRepository, type NewCall } from './dialout-repository.js';
import { startEmbeddedDatabase, type EmbeddedDatabase } from './embedded/embedded-database.js';
import { newId } from './ids.js';
import { assertMigrated, migrate, MigrationConflict } from './migrate.js';
import { createAdminKey, ensureOwner, isKeyOf } from './owner.js';
import { findPostgresBinaries, startTemporaryPostgres } from './temporary-postgres.js';

const migrations = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));
const binaries = findPostgresBinaries();
const engines: [string, () => Promise<EmbeddedDatabase>][] = [['PGlite', () => startEmbeddedDatabase()]];
if (binaries !== null) engines.push(['PostgreSQL', () => startTemporaryPostgres(binaries)]);

describe.each(engines)('on %s', (engine, start) => {
  let server: EmbeddedDatabase;
  let database: Database;
  let owner: { workspaceId: string; adminApiKey: string | null };

  beforeAll(async () => {
    server = await start();
    expect(await migrate(server.connectionString, migrations)).toContain('20261122102439_initial');
    database = createDatabase({ connectionString: server.connectionString, poolSize: 8 });
    owner = await ensureOwner(database, { email: 'Owner@Example.com', password: 'correct horse' });
  }, 60_000);
  afterAll(async () => { await database?.$disconnect(); await server?.close(); }, 30_000);

  it('applies each migration once', async () => { expect(await migrate(server.connectionString, migrations)).toEqual([]); });

  it('refuses a migration that was edited afterwards, and leaves no trace of one that fails', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'dialfleet-migrations-'));
    await cp(migrations, copy, { recursive: true });
    await writeFile(join(copy, '20261122102439_initial', 'migration.sql'), '-- changed');
    await expect(migrate(server.connectionString, copy)).rejects.toThrow(MigrationConflict);
    await cp(migrations, copy, { recursive: true });
    await cp(join(migrations, '20261122102439_initial'), join(copy, '29990101000000_broken'), { recursive: true });
    await writeFile(join(copy, '29990101000000_broken', 'migration.sql'), 'CREATE TABLE half (id int); SELECT * FROM no_such_table;');
    await expect(migrate(server.connectionString, copy)).rejects.toThrow('29990101000000_broken failed');
    expect(await database.$queryRaw`SELECT to_regclass('half') IS NULL AS gone`).toEqual([{ gone: true }]);
    expect(await migrate(server.connectionString, migrations)).toEqual([]);
    await rm(copy, { recursive: true });
  });

  it('makes the owner once, with a key that verifies and a password that is hashed', async () => {
    const parsed = parseApiKey(owner.adminApiKey!)!;
    const row = await database.apiKey.findUniqueOrThrow({ where: { id: parsed.id } });
    expect(secretMatches(parsed.secret, row.secretHash)).toBe(true);
    const user = await database.user.findUniqueOrThrow({ where: { email: 'owner@example.com' } });
    expect(await argon2Verify({ password: 'correct horse', hash: user.passwordHash })).toBe(true);
    expect(await ensureOwner(database, { email: 'b@example.com', password: 'x' })).toMatchObject({ created: false, adminApiKey: null, workspaceId: owner.workspaceId });
  });

  it('knows its own keys, revoked ones too, and makes another', async () => {
    const key = await createAdminKey(database, owner.workspaceId, 'spare');
    expect([await isKeyOf(database, key), await isKeyOf(database, owner.adminApiKey)]).toEqual([true, true]);
    await database.apiKey.update({ where: { id: parseApiKey(key)!.id }, data: { revokedAt: new Date() } });
    expect(await isKeyOf(database, key)).toBe(true);
    for (const other of [createApiKey().key, 'x', '', null, undefined]) expect(await isKeyOf(database, other)).toBe(false);
  });

  it('is known to share a session or not, and works with what follows from it', async () => {
    const own = await ownsItsSessions(server.connectionString);
    expect(own).toBe(engine === 'PostgreSQL');
    const prepared = createDatabase({ connectionString: server.connectionString, poolSize: 3, prepareStatements: own });
    for (let i = 0; i < 3; i++) {
      const rows = await Promise.all(Array.from({ length: 6 }, (_, n) => prepared.$queryRaw<{ n: number }[]>`SELECT ${n}::int AS n`));
      expect(rows.map(([row]) => row.n)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(await prepared.workspace.count()).toBe(1);
    }
    await prepared.$disconnect();
  });

  it('is healthy', async () => { expect(await isHealthy(database)).toBe(true); });

  it('tells a taken key from other errors', async () => {
    const { id, mode, secretHash, lastFour } = createApiKey();
    const data = { id, workspaceId: owner.workspaceId, name: 'n', mode, secretHash, lastFour, scopes: [], botIds: [] };
    await database.apiKey.create({ data });
    const error: unknown = await database.apiKey.create({ data }).catch((e: unknown) => e);
    expect(isUniqueViolation(error)).toBe(true);
    expect(isUnavailable(error)).toBe(false);
    const raw: unknown = await database.$executeRaw`INSERT INTO numbers (id, workspace_id, number, trunk_id, bot_id, updated_at) VALUES ('n', 'w', 'n', 't', 'b', now())`
      .catch((e: unknown) => e);
    expect([isForeignKeyViolation(raw), isUniqueViolation(raw), isConflict(raw)]).toEqual([true, false, false]);
  });

  describe('dialouts', () => {
    let dialouts: DialoutRepository;
    let botId: string;
    let trunkId: string;
    const newCall = (): NewCall => ({
      id: uuidV7(), workspaceId: owner.workspaceId, botId, botVersion: 1, trunkId, fromNumber: '+14155550100', toNumber: '+14155550111',
      variables: { name: 'Ada' }, acceptedAtMs: Date.now(),
    });
    const keyFor = (name: string, body = 1): { key: string; bodyHash: Uint8Array<ArrayBuffer> } => ({ key: name, bodyHash: new Uint8Array(32).fill(body) });

    beforeAll(async () => {
      dialouts = new DialoutRepository(database);
      trunkId = newId('trunk');
      botId = newId('bot');
      const { workspaceId } = owner;
      await database.trunk.create({ data: { id: trunkId, workspaceId, name: 't', host: 'h', port: 5060, transport: 'udp', callerIds: ['+14155550100'] } });
      await database.bot.create({ data: { id: botId, workspaceId, name: 'b', currentVersion: 1, versions: { create: { version: 1, workspaceId, config: { name: 'b' } } } } });
    });

    it('finds a bot with its trunk, in its own workspace only', async () => {
      expect(await dialouts.findBot(owner.workspaceId, botId)).toMatchObject({ id: botId, version: 1, config: { name: 'b' }, trunk: { id: trunkId, caller_ids: ['+14155550100'] } });
      expect(await dialouts.findBot('ws_other', botId)).toBeNull();
      expect(await dialouts.ownsNumber(owner.workspaceId, '+14155550100')).toBe(true);
      expect(await dialouts.ownsNumber('ws_other', '+14155550100')).toBe(false);
    });

    it('lets one of many concurrent requests with the same key through', async () => {
      const calls = Array.from({ length: 12 }, newCall);
      const accepted = await Promise.all(calls.map((call) => dialouts.accept(call, keyFor('race'))));
      expect(accepted.filter(Boolean)).toHaveLength(1);
      const winner = calls[accepted.indexOf(true)];
      expect(await database.call.count({ where: { id: { in: calls.map((c) => c.id) } } })).toBe(1);
      expect(await dialouts.keyState(owner.workspaceId, keyFor('race'), Date.now())).toEqual({ state: 'in_flight' });
      await dialouts.claimed(winner, { workerId: 'w-1', epoch: 'e' }, 'race', { status: 'ok' });
      expect(await dialouts.keyState(owner.workspaceId, keyFor('race'), Date.now())).toEqual({ state: 'answered', sessionId: winner.id });
      expect(await dialouts.keyState(owner.workspaceId, keyFor('race', 2), Date.now())).toEqual({ state: 'other_body' });
      expect(await dialouts.keyState('ws_other', keyFor('race'), Date.now())).toEqual({ state: 'free' });
    });

    it('frees the key of a refused call, and does not list the call', async () => {
      const call = newCall();
      expect(await dialouts.accept(call, keyFor('refused'))).toBe(true);
      await dialouts.refused(call, 'no_capacity', 'refused');
      expect(await dialouts.keyState(owner.workspaceId, keyFor('refused'), Date.now())).toEqual({ state: 'free' });
      const page = await new CallRepository(database).list(owner.workspaceId, {}, { limit: 100 });
      expect(page.data.map((row) => row.id)).not.toContain(call.id);
    });

    it('never frees a key whose gateway died: the call was accepted', async () => {
      const call = newCall();
      await dialouts.accept(call, keyFor('crashed'));
      expect(await dialouts.keyState(owner.workspaceId, keyFor('crashed'), Date.now() + 11_000)).toEqual({ state: 'answered', sessionId: call.id });
    });

    it('takes a key again after a day', async () => {
      const day = 24 * 3600 * 1000;
      const first = newCall();
      await dialouts.accept({ ...first, acceptedAtMs: first.acceptedAtMs - day }, keyFor('old'));
      expect(await dialouts.keyState(owner.workspaceId, keyFor('old'), Date.now())).toEqual({ state: 'free' });
      const second = newCall();
      expect(await dialouts.accept(second, keyFor('old', 2))).toBe(true);
      await dialouts.accept({ ...newCall(), acceptedAtMs: first.acceptedAtMs - day }, keyFor('older'));
      expect(await dialouts.forgetExpiredKeys(first.acceptedAtMs)).toBe(1);
      expect(await dialouts.keyState(owner.workspaceId, keyFor('old', 2), Date.now())).toMatchObject({ state: 'in_flight' });
    });

    it('keeps variables as they are, whatever their names', async () => {
      const call = { ...newCall(), variables: JSON.parse('{"__proto__":"p","constructor":"c","ü \\"x\\"":"{{y}}"}') as Record<string, string> };
      await dialouts.accept(call, undefined);
      const row = await database.call.findUniqueOrThrow({ where: { id: call.id } });
      expect(JSON.stringify(row.variables)).toContain('"constructor":"c"');
      expect(({} as Record<string, unknown>).p).toBeUndefined();
    });

    it('pages and filters calls', async () => {
      const calls = new CallRepository(database);
      const made = [newCall(), newCall(), newCall()].map((call, i) => ({ ...call, toNumber: '+14155550199', variables: { lead: String(i) } }));
      for (const call of made) await dialouts.accept(call, undefined);
      const first = await calls.list(owner.workspaceId, { toNumber: '+14155550199' }, { limit: 2 });
      const second = await calls.list(owner.workspaceId, { toNumber: '+14155550199' }, { limit: 2, cursor: first.nextCursor! });
      expect([...first.data, ...second.data].map((row) => row.id)).toEqual(made.map((c) => c.id).sort().reverse());
      expect(second.nextCursor).toBeNull();
      const byVariable = await calls.list(owner.workspaceId, { toNumber: '+14155550199', variables: { lead: '1' } }, { limit: 10 });
      expect(byVariable.data.map((row) => row.id)).toEqual([made[1].id]);
      expect((await calls.list('ws_other', {}, { limit: 10 })).data).toEqual([]);
    });
  });
});

(binaries === null ? describe.skip : describe)('on PostgreSQL, two transactions at odds', () => {
  it('are told from other errors, and may be tried again', async () => {
    const server = await startTemporaryPostgres(binaries!);
    await migrate(server.connectionString, migrations);
    const database = createDatabase({ connectionString: server.connectionString });
    await database.workspace.create({ data: { id: 'ws_1', name: 'a' } });
    const errors: unknown[] = [];
    const rename = (name: string, ready: () => void, go: Promise<void>): Promise<unknown> => database.$transaction(async (tx) => {
      await tx.workspace.findUniqueOrThrow({ where: { id: 'ws_1' } });
      ready();
      await go;
      await tx.workspace.update({ where: { id: 'ws_1' }, data: { name } });
    }, { isolationLevel: 'Serializable' }).catch((error: unknown) => errors.push(error));
    let arrived = 0;
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => { open = resolve; });
    const ready = (): void => { if (++arrived === 2) open(); };
    await Promise.all([rename('b', ready, gate), rename('c', ready, gate)]);
    expect(errors).toHaveLength(1);
    expect(isConflict(errors[0])).toBe(true);
    await database.$disconnect();
    await server.close();
  }, 60_000);
});

describe('a database without tables', () => {
  it('is told from one that is ready', async () => {
    const server = await startEmbeddedDatabase();
    await expect(assertMigrated(server.connectionString)).rejects.toThrow('has no tables yet');
    await migrate(server.connectionString, migrations);
    await assertMigrated(server.connectionString);
    await server.close();
  }, 30_000);
});

describe('a database that is away', () => {
  const nowhere = 'postgresql://user:hunter2@127.0.0.1:1/none';

  it('gives one clear line without the password at start', async () => {
    const error = await assertReachable(nowhere).catch((e: unknown) => e as Error);
    expect(error).toBeInstanceOf(DatabaseUnavailable);
    expect((error as Error).message).toMatch(/^cannot reach the database at 127\.0\.0\.1:1\/none: .*ECONNREFUSED/);
    expect((error as Error).message).not.toContain('hunter2');
  });

  it('is recognised in the errors of every kind of query', async () => {
    const database = createDatabase({ connectionString: nowhere });
    expect(await isHealthy(database)).toBe(false);
    for (const query of [() => database.workspace.findMany(), () => database.$queryRaw`SELECT 1`, () => new DialoutRepository(database).findBot('w', 'b')]) {
      expect(isUnavailable(await query().catch((e: unknown) => e))).toBe(true);
    }
    await database.$disconnect();
  });
});
