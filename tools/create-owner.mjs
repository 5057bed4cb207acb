#!/usr/bin/env node
/**
 * Creates the first workspace with its owner and an admin API key in the database of DATABASE_URL, and prints password and
 * key: once, they are not stored in the clear. A database that has an owner is left as it is.
 *
 *   node tools/create-owner.mjs <e-mail>
 */
import { randomBytes } from 'node:crypto';
import { createDatabase, ensureOwner } from '@dialfleet/database';

const [email] = process.argv.slice(2);
if (!email || !email.includes('@') || !process.env.DATABASE_URL) {
  console.error('usage: DATABASE_URL=… node tools/create-owner.mjs <e-mail>');
  process.exit(2);
}
const database = createDatabase({ connectionString: process.env.DATABASE_URL, poolSize: 1 });
try {
  const password = randomBytes(15).toString('base64url');
  const owner = await ensureOwner(database, { email, password });
  if (!owner.created) throw new Error('there is an owner already: create further keys over the API');
  console.log(JSON.stringify({ email, password, admin_api_key: owner.adminApiKey }, null, 2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await database.$disconnect();
}
