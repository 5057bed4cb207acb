import { randomBytes } from 'node:crypto';
import { argon2id } from 'hash-wasm';
import { createApiKey, parseApiKey } from './api-key.js';
import type { Database } from './database.js';
import { newId } from './ids.js';

/** OWASP's recommended argon2id settings: 19 MiB, 2 passes, 1 lane. The result is a PHC string. */
export const hashPassword = (password: string): Promise<string> =>
  argon2id({ password, salt: randomBytes(16), memorySize: 19_456, iterations: 2, parallelism: 1, hashLength: 32, outputType: 'encoded' });

export interface OwnerAccount { email: string; password: string; workspaceName?: string }
/** `adminApiKey` only when it was created just now: it cannot be shown again. */
export interface EnsuredOwner { workspaceId: string; userId: string; created: boolean; adminApiKey: string | null }

const FIRST_KEY_NAME = 'First admin key';

/** The first workspace with its owner and an admin key, once: a database that has a workspace is left as it is. */
export async function ensureOwner(database: Database, { email, password, workspaceName = 'Default' }: OwnerAccount): Promise<EnsuredOwner> {
  const passwordHash = await hashPassword(password);
  return database.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM (SELECT pg_advisory_xact_lock(7270736901)) AS locked`;
    const owner = await tx.user.findFirst({ where: { role: 'owner', deletedAt: null }, orderBy: { id: 'asc' } });
    if (owner) return { workspaceId: owner.workspaceId, userId: owner.id, created: false, adminApiKey: null };
    const workspaceId = newId('workspace');
    const userId = newId('user');
    await tx.workspace.create({ data: { id: workspaceId, name: workspaceName } });
    await tx.user.create({ data: { id: userId, workspaceId, email: email.toLowerCase(), passwordHash, role: 'owner' } });
    return { workspaceId, userId, created: true, adminApiKey: await createAdminKey(tx, workspaceId, FIRST_KEY_NAME) };
  });
}

/** A further key with every right of the workspace: the only time that it is shown. */
export async function createAdminKey(database: Pick<Database, 'apiKey'>, workspaceId: string, name: string): Promise<string> {
  const { id, mode, key, secretHash, lastFour } = createApiKey();
  await database.apiKey.create({ data: { id, workspaceId, name, mode, secretHash, lastFour, scopes: ['admin'] } });
  return key;
}

/** Whether this database has made the key: revoked keys count too, they were taken away on purpose. */
export async function isKeyOf(database: Pick<Database, 'apiKey'>, key: string | null | undefined): Promise<boolean> {
  const parsed = parseApiKey(key ?? '');
  return parsed !== null && await database.apiKey.count({ where: { id: parsed.id } }) > 0;
}
