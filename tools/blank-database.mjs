// Initialises an empty PGlite database and keeps it beside PGlite's code, so that nobody waits for initdb again. It lives
// there because it belongs to exactly that version: a new installation takes it away.
import { PGlite } from '@electric-sql/pglite';
import { renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('blank-database.tar', import.meta.resolve('@electric-sql/pglite')));
const db = await PGlite.create();
const tar = await db.dumpDataDir('none');
writeFileSync(`${file}.tmp`, Buffer.from(await tar.arrayBuffer()));
renameSync(`${file}.tmp`, file);
process.exit(0);
