import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '@dialfleet/kit';
import type pg from 'pg';
import { describeTarget } from './database.js';
import { pgClient } from './pg-client.js';

/** The lock id of Prisma's own engine: its `migrate deploy` and this runner wait for each other. */
const ADVISORY_LOCK = 72707369;

const TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ, "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT, "rolled_back_at" TIMESTAMPTZ, "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`;

interface AppliedRow { migration_name: string; checksum: string; finished_at: Date | null }

/** The migrations and the database disagree: an operator must look. */
export class MigrationConflict extends Fault {
  constructor(message: string) { super(message, false); }
}

/**
 * Brings the database up to the migrations in `directory` (`<name>/migration.sql`), as `prisma migrate deploy` does:
 * same table, same checksums (SHA-256), same lock; no engine binary. Returns the names applied now. Each migration and
 * its record are one transaction.
 */
export async function migrate(connectionString: string, directory: string): Promise<string[]> {
  const client = pgClient({ connectionString, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await client.query(TABLE);
    const known = await client.query<AppliedRow>('SELECT migration_name, checksum, finished_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL');
    const applied = new Map(known.rows.map((row) => [row.migration_name, row]));
    const names: string[] = [];
    for (const migration of readMigrations(directory)) {
      if (isApplied(applied.get(migration.name), migration)) continue;
      await apply(client, migration);
      names.push(migration.name);
    }
    return names;
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCK]).catch(() => undefined);
    await client.end();
  }
}

/** For services that do not migrate by themselves. @throws MigrationConflict when nobody has. */
export async function assertMigrated(connectionString: string): Promise<void> {
  const client = pgClient({ connectionString, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ migrated: boolean }>(`SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS migrated`);
    if (!rows[0].migrated) throw new MigrationConflict(`the database at ${describeTarget(connectionString)} has no tables yet: run the migrations first`);
  } finally { await client.end(); }
}

interface Migration { name: string; sql: string; checksum: string }

function readMigrations(directory: string): Migration[] {
  return readdirSync(directory).filter((name) => existsSync(join(directory, name, 'migration.sql'))).sort().map((name) => {
    const sql = readFileSync(join(directory, name, 'migration.sql'), 'utf8');
    return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

function isApplied(row: AppliedRow | undefined, migration: Migration): boolean {
  if (!row) return false;
  if (!row.finished_at) throw new MigrationConflict(`migration ${migration.name} failed earlier; see "_prisma_migrations"`);
  if (row.checksum !== migration.checksum) throw new MigrationConflict(`migration ${migration.name} was edited after it was applied`);
  return true;
}

async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(sql); // the simple protocol takes several statements
    await client.query(
      'INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), 1)',
      [randomUUID(), checksum, name]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw new Error(`migration ${name} failed`, { cause: error });
  }
}
