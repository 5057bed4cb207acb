#!/usr/bin/env node
/** Brings the database in DATABASE_URL up to prisma/migrations; safe to run twice, or on several machines at once. */
import { migrate } from '@dialfleet/database';
import { fileURLToPath } from 'node:url';

try {
  if (!process.env.DATABASE_URL) throw new Error('DATABASE_URL is not set');
  const applied = await migrate(process.env.DATABASE_URL, fileURLToPath(new URL('../prisma/migrations', import.meta.url)));
  console.log(applied.length > 0 ? `applied ${applied.join(', ')}` : 'the database is up to date');
} catch (error) {
  console.error(`migrations failed: ${messages(error)}`);
  process.exit(1);
}

function messages(error) {
  return error instanceof Error ? [error.message, ...(error.cause ? [messages(error.cause)] : [])].join(': ') : String(error);
}
