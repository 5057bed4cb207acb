import { PrismaPg } from '@prisma/adapter-pg';
import { errorMessage, Fault } from '@dialfleet/kit';
import { PrismaClient } from './generated/client.js';
import { pgClient } from './pg-client.js';

export type Database = PrismaClient;

export interface DatabaseOptions {
  connectionString: string;
  /** Connections at most. An embedded PGlite serves one statement at a time: 4 is plenty. */
  poolSize?: number;
  /** How long to wait for a connection, new or from the pool. */
  connectTimeoutMs?: number;
  /** Any one statement, in the server and on the wire: a database that hangs must not hang its callers. */
  statementTimeoutMs?: number;
  /** Let the server keep parsed and planned statements, by name. Only where `ownsItsSessions` is true. */
  prepareStatements?: boolean;
}

/** The database cannot be reached: worth another try later. */
export class DatabaseUnavailable extends Fault {
  constructor(message: string, options?: ErrorOptions) { super(message, true, options); }
}

/** A client over a pool of connections. It connects on first use; `close()` is Prisma's `$disconnect`. */
export function createDatabase(options: DatabaseOptions): Database {
  const { connectionString, poolSize = 10, connectTimeoutMs = 2000, statementTimeoutMs = 5000, prepareStatements = false } = options;
  const adapter = new PrismaPg({
    connectionString, max: poolSize, connectionTimeoutMillis: connectTimeoutMs, query_timeout: statementTimeoutMs,
    idleTimeoutMillis: 60_000, keepAlive: true,
  }, {
    onPoolError: () => undefined, onConnectionError: () => undefined,
    ...(prepareStatements ? { statementNameGenerator: statementNames() } : {}),
  });
  return new PrismaClient({ adapter, transactionOptions: { maxWait: connectTimeoutMs, timeout: statementTimeoutMs } });
}

const MAX_PREPARED_STATEMENTS = 256;

/** The same name for the same SQL. Past the limit statements stay unnamed, so that no session fills up. */
function statementNames(): (query: { sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    const known = names.get(sql);
    if (known !== undefined || names.size >= MAX_PREPARED_STATEMENTS) return known as string;
    const name = `dialfleet_${names.size}`;
    names.set(sql, name);
    return name;
  };
}

/**
 * Whether each connection has a server session to itself, as named statements need. False for PGlite, which has one
 * session, and for poolers that change sessions between transactions: two idle connections then show the same backend.
 */
export async function ownsItsSessions(connectionString: string): Promise<boolean> {
  const clients = [pgClient({ connectionString }), pgClient({ connectionString })];
  try {
    const backends: unknown[] = [];
    for (const client of clients) {
      await client.connect();
      backends.push((await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0].pid);
    }
    return backends[0] !== backends[1];
  } finally {
    await Promise.allSettled(clients.map((client) => client.end()));
  }
}

/** Resolves when the database answers; otherwise throws DatabaseUnavailable with one clear line, without credentials. */
export async function assertReachable(connectionString: string, timeoutMs = 5000): Promise<void> {
  const client = pgClient({ connectionString, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs });
  try {
    await client.connect();
    await client.query('SELECT 1');
  } catch (error) {
    throw new DatabaseUnavailable(`cannot reach the database at ${describeTarget(connectionString)}: ${reasonOf(error)}`, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** True when a trivial query succeeds within `timeoutMs`. */
export async function isHealthy(database: Database, timeoutMs = 1000): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => { timer = setTimeout(() => resolve(false), timeoutMs); });
  const answered = database.$queryRaw`SELECT 1`.then(() => true as const, () => false as const);
  try { return await Promise.race([answered, late]); } finally { clearTimeout(timer); }
}

/** Host, port and name of a connection string: what an operator needs, and nothing secret. */
export function describeTarget(connectionString: string): string {
  try {
    const url = new URL(connectionString);
    return `${url.hostname}:${url.port || '5432'}${url.pathname}`;
  } catch {
    return 'DATABASE_URL (not a valid connection string)';
  }
}

/** A refused connection to several addresses of a host is an AggregateError with an empty message. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] as unknown : error;
  return errorMessage(first) || 'connection failed';
}

const unavailableCodes = new Set(['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037']);
const unavailableText = /Can't reach database|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|timeout exceeded when trying to connect|Query read timeout|Connection terminated|terminating connection|the database system is|DatabaseNotReachable|ConnectionClosed|SocketTimeout|too many clients|encountered a connection error/i;

/** Whether an error of the client means "the database is away", as opposed to a mistake of ours. */
export const isUnavailable = (error: unknown): boolean => layers(error).some(({ code, message }) =>
  unavailableCodes.has(String(code)) || unavailableText.test(`${String(code)} ${String(message)}`));

/** A unique key is taken (Prisma P2002, PostgreSQL 23505). */
export const isUniqueViolation = (error: unknown): boolean => hasCode(error, 'P2002', '23505');
/** A foreign key points nowhere (P2003, 23503). */
export const isForeignKeyViolation = (error: unknown): boolean => hasCode(error, 'P2003', '23503');
/** A write conflict or deadlock: the transaction may be tried again (P2034; 40001, 40P01). */
export const isConflict = (error: unknown): boolean => hasCode(error, 'P2034', '40001', '40P01');

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  layers(error).some(({ code, originalCode }) => codes.includes(String(code)) || codes.includes(String(originalCode)));

interface ErrorLayer { code?: unknown; originalCode?: unknown; message?: unknown; cause?: unknown; meta?: { driverAdapterError?: unknown } }

/** The error and what it wraps: Prisma keeps the driver's own error in `meta`, the driver PostgreSQL's in `cause`. */
function layers(error: unknown): ErrorLayer[] {
  const found: ErrorLayer[] = [];
  const open = [error];
  while (open.length > 0 && found.length < 8) {
    const layer = open.shift() as ErrorLayer | null | undefined;
    if (typeof layer !== 'object' || layer === null) continue;
    found.push(layer);
    open.push(layer.cause, layer.meta?.driverAdapterError);
  }
  return found;
}
