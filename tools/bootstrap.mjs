// Runs before anything is installed: Node built-ins only. Prepares the checkout, then runs the asked-for job.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
// onnxruntime-node reports to its maker unless told not to; the services tell it, and so do all tests.
process.env.ORT_DISABLE_TELEMETRY = '1';
process.env.PATH += `${delimiter}/usr/sbin${delimiter}/usr/local/sbin${delimiter}/opt/homebrew/bin`;

const JOBS = ['start', 'demo', 'test', 'lint', 'build', 'bench'];
const TSC = 'node_modules/ts7/bin/tsc';
const startedAt = Date.now();

const say = (text) => process.stderr.write(`[${((Date.now() - startedAt) / 1000).toFixed(0).padStart(3)}s] ${text}\n`);
const die = (text) => { process.stderr.write(`${text}\n`); process.exit(1); };

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill(); });

/**
 * Runs a command to its end; one that fails ends us. What it prints goes to stderr, so that stdout stays free for `--json`:
 * at once, or, when `quiet`, only if the command fails.
 */
async function run(command, args, { env, quiet } = {}) {
  const { code, output } = await outcome(command, args, env, quiet);
  if (code !== 0) die(output || `${command} ended with exit code ${code}`);
}

/** @returns the exit code, null when the command could not be run or was killed, and what a quiet command printed */
function outcome(command, args, env = {}, quiet = false) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', quiet ? 'pipe' : 2, quiet ? 'pipe' : 2], env: { ...process.env, ...env } });
    let output = '';
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => { output += text; });
    child.on('error', (error) => resolve({ code: null, output: `cannot run ${command}: ${error.message}` }));
    child.on('close', (code) => { running.delete(child); resolve({ code, output: output.trim() }); });
  });
}

const onPath = (program, versionFlag = '--version') => spawnSync(program, [versionFlag], { stdio: 'ignore' }).error === undefined;
const hashOf = (...files) => createHash('sha256').update(files.map((file) => readFileSync(file)).join('\0')).digest('hex');

/** Does `work` unless it was done for the same inputs and what it made is still there. */
async function once(name, key, makes, work) {
  const stamp = join('node_modules', `.dialfleet-${name}`);
  if (makes.every((path) => existsSync(path)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  await work();
  mkdirSync('node_modules', { recursive: true });
  writeFileSync(stamp, key);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) die(`Node 20.19 or newer is needed; this is ${process.version}.`);
}

function installDependencies() {
  return once('install', hashOf('package-lock.json') + process.version, ['node_modules/typescript', 'node_modules/nx'], async () => {
    say('installing npm packages (about a minute the first time)');
    await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  });
}

function generatePrismaClient() {
  return once('prisma', hashOf('prisma/schema.prisma', 'prisma.config.ts'), ['libs/database/src/generated'], async () => {
    say('generating the database client');
    await run(process.execPath, ['node_modules/prisma/build/index.js', 'generate'], { env: { CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' }, quiet: true });
  });
}

async function build() {
  say('building');
  // Projects are built side by side: more than one checker in each would only repeat work.
  await run(process.execPath, [TSC, '-b', '--checkers', '1']);
}

/** Spares every first start, and every test, the seconds that PGlite's initdb takes. */
function prepareDatabase() {
  const file = 'node_modules/@electric-sql/pglite/dist/blank-database.tar';
  return once('blank-database', hashOf('tools/blank-database.mjs'), [file], () => run(process.execPath, ['tools/blank-database.mjs'], { quiet: true }));
}

/** Programs that a job needs and npm does not have. */
const natsServer = { program: 'nats-server', debian: 'nats-server', brew: 'nats-server', why: 'the message broker', or: 'or set NATS_URL to one that runs' };
const testTools = [
  { program: 'sipp', versionFlag: '-v', debian: 'sip-tester', brew: 'sipp', why: 'SIP interoperability tests' },
  { program: 'kamailio', versionFlag: '-v', debian: ['kamailio', 'kamailio-tls-modules', 'kamailio-websocket-modules'], brew: 'kamailio', why: 'SIP interoperability tests' },
  { program: 'baresip', versionFlag: '-h', debian: 'baresip', brew: 'baresip', why: 'SIP interoperability tests' },
  { program: 'initdb', installed: hasPostgres, debian: 'postgresql', brew: 'postgresql', why: 'tests on a real PostgreSQL' },
];

/** Debian keeps the server's programs off the PATH, in a folder for each version. */
function hasPostgres() {
  const versions = '/usr/lib/postgresql';
  return onPath('initdb') || (existsSync(versions) && readdirSync(versions).some((version) => existsSync(join(versions, version, 'bin/initdb'))));
}

const isInstalled = (need) => need.installed?.() ?? onPath(need.program, need.versionFlag);

function programsOf(job) {
  switch (job) {
    case 'start': case 'demo': return process.env.NATS_URL ? [] : [natsServer];
    case 'bench': return [natsServer, testTools[0]];
    case 'test': return [natsServer, ...testTools];
    default: return [];
  }
}

/** Installs what is missing where we may; otherwise says, before anything slow begins, what to type. */
async function ensurePrograms(needs) {
  const missing = needs.filter((need) => !isInstalled(need));
  if (missing.length === 0) return;
  const names = (manager) => missing.flatMap((need) => need[manager] ?? []);
  let said = '';
  if (onPath('apt-get') && process.getuid?.() === 0) {
    say(`installing ${names('debian').join(', ')} with apt`);
    said = await installWith('apt-get', ['update', '-qq'], ['install', '-y', '-qq', '--no-install-recommends', ...names('debian')]);
  } else if (onPath('brew')) {
    say(`installing ${names('brew').join(', ')} with brew`);
    said = await installWith('brew', ['install', '--quiet', ...names('brew')]);
  }
  const still = missing.filter((need) => !isInstalled(need));
  if (still.length > 0) die([said, ...still.map(howToInstall)].filter(Boolean).join('\n'));
}

/** @returns what the package manager said when it failed */
async function installWith(manager, ...commands) {
  for (const args of commands) {
    const { code, output } = await outcome(manager, args, { DEBIAN_FRONTEND: 'noninteractive' }, true);
    if (code !== 0) return output;
  }
  return '';
}

function howToInstall(need) {
  const ways = [need.debian && `sudo apt-get install ${[need.debian].flat().join(' ')}`, need.brew && `brew install ${need.brew}`, need.or].filter(Boolean);
  return `${need.program} (${need.why}) is missing: ${ways.join(', ')}`;
}

/** Hands over to a program of ours: it owns the terminal, signals are passed on, and its exit code becomes ours. */
function handOver(script, args) {
  const child = spawn(process.execPath, ['--no-warnings', script, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { child.kill(signal); });
  child.on('exit', (code, signal) => { process.exit(code ?? (signal ? 1 : 0)); });
}

async function nx(...args) {
  const script = ['node_modules/nx/dist/bin/nx.js', 'node_modules/nx/bin/nx.js'].find((path) => existsSync(path));
  await run(process.execPath, [script, ...args, '--outputStyle=static'], { env: { CI: '1' } });
}

async function lint() {
  say('linting: eslint, module boundaries');
  await nx('run-many', '-t', 'lint');
  say('linting: cycles');
  await run(process.execPath, ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', 'apps', 'libs', '--config', '.dependency-cruiser.cjs', '--output-type', 'err']);
}

async function test(args) {
  say('unit and integration tests');
  await nx('run-many', '-t', 'test', '--exclude=@dialfleet/e2e', '--parallel=2', ...args);
  say('whole-system stories (real processes, real calls: some minutes)');
  await nx('run-many', '-t', 'test', '--projects=@dialfleet/e2e', '--parallel=1', ...args);
  say('all tests passed');
}

const [job, ...args] = process.argv.slice(2);
if (!JOBS.includes(job)) die(`usage: node tools/bootstrap.mjs ${JOBS.join('|')}`);
checkNode();
await Promise.all([ensurePrograms(programsOf(job)), installDependencies().then(generatePrismaClient)]);
await Promise.all([build(), job === 'lint' || job === 'build' ? undefined : prepareDatabase()]);
switch (job) {
  case 'start': case 'demo': handOver('apps/launcher/dist/main.js', [job, ...args]); break;
  case 'bench': handOver('apps/e2e/dist/bench/main.js', args); break;
  case 'lint': await lint(); break;
  case 'test': await lint(); await test(args); break;
}
