// Runs before anything is installed: Node built-ins only. Prepares the checkout, then runs the asked-for job.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/** Runs a command; its output goes to stderr so that stdout stays free for `--json`. */
function run(command, args, env = {}) {
  const result = spawnSync(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env } });
  if (result.error) die(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

const onPath = (program, versionFlag = '--version') => spawnSync(program, [versionFlag], { stdio: 'ignore' }).error === undefined;
const hashOf = (...files) => createHash('sha256').update(files.map((file) => readFileSync(file)).join('\0')).digest('hex');

/** Does `work` unless it was done for the same inputs and what it made is still there. */
function once(name, key, makes, work) {
  const stamp = join('node_modules', `.dialfleet-${name}`);
  if (makes.every((path) => existsSync(path)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  work();
  mkdirSync('node_modules', { recursive: true });
  writeFileSync(stamp, key);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) die(`Node 20.19 or newer is needed; this is ${process.version}.`);
}

function installDependencies() {
  once('install', hashOf('package-lock.json') + process.version, ['node_modules/typescript', 'node_modules/nx'], () => {
    say('installing npm packages (about a minute the first time)');
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  });
}

function generatePrismaClient() {
  once('prisma', hashOf('prisma/schema.prisma', 'prisma.config.ts'), ['libs/database/src/generated'], () => {
    say('generating the database client');
    run(process.execPath, ['node_modules/prisma/build/index.js', 'generate'], { CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' });
  });
}

function build() {
  say('building');
  run(process.execPath, [TSC, '-b']);
}

/** Debian packages that a job needs; the program proves that it is there. */
const natsServer = { program: 'nats-server', debian: 'nats-server', brew: 'nats-server', why: 'the message broker (or set NATS_URL)' };
const testTools = [
  { program: 'sipp', versionFlag: '-v', debian: 'sip-tester', brew: 'sipp', why: 'SIP interoperability tests' },
  { program: 'baresip', versionFlag: '-h', debian: 'baresip', brew: 'baresip', why: 'SIP interoperability tests' },
  { program: '/usr/lib/postgresql/15/bin/postgres', debian: 'postgresql', why: 'tests on a real PostgreSQL' },
];

function ensurePrograms(needs) {
  const missing = needs.filter((need) => !onPath(need.program, need.versionFlag));
  if (missing.length === 0) return;
  const names = (manager) => missing.map((need) => need[manager] ?? need.program);
  if (onPath('apt-get') && process.getuid?.() === 0) {
    say(`installing ${names('debian').join(', ')} with apt`);
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['update', '-qq'], env);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names('debian')], env);
  } else if (onPath('brew')) {
    say(`installing ${names('brew').join(', ')} with brew`);
    run('brew', ['install', '--quiet', ...names('brew')]);
  }
  const still = needs.filter((need) => !onPath(need.program, need.versionFlag));
  if (still.length > 0) die(still.map((need) => `${need.program} is needed for ${need.why}: sudo apt-get install ${need.debian}`).join('\n'));
}

/** Hands over to a program of ours: it owns the terminal, signals are passed on, and its exit code becomes ours. */
function handOver(script, args) {
  const child = spawn(process.execPath, ['--no-warnings', script, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { child.kill(signal); });
  child.on('exit', (code, signal) => { process.exit(code ?? (signal ? 1 : 0)); });
}

function nx(...args) {
  const script = ['node_modules/nx/dist/bin/nx.js', 'node_modules/nx/bin/nx.js'].find((path) => existsSync(path));
  run(process.execPath, [script, ...args, '--outputStyle=static'], { CI: '1' });
}

function lint() {
  say('linting: eslint, module boundaries');
  nx('run-many', '-t', 'lint');
  say('linting: cycles');
  run(process.execPath, ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', 'apps', 'libs', '--config', '.dependency-cruiser.cjs', '--output-type', 'err']);
}

function test(args) {
  say('unit and integration tests');
  nx('run-many', '-t', 'test', '--exclude=@dialfleet/e2e', '--parallel=2', ...args);
  say('whole-system stories (real processes, real calls: some minutes)');
  nx('run-many', '-t', 'test', '--projects=@dialfleet/e2e', '--parallel=1', ...args);
  say('all tests passed');
}

const [job, ...args] = process.argv.slice(2);
if (!JOBS.includes(job)) die(`usage: node tools/bootstrap.mjs ${JOBS.join('|')}`);
checkNode();
installDependencies();
generatePrismaClient();
if ((job === 'start' || job === 'demo') && !process.env.NATS_URL) ensurePrograms([natsServer]);
if (job === 'test') ensurePrograms([natsServer, ...testTools]);
if (job === 'bench') ensurePrograms([natsServer, testTools[0]]);
build();
switch (job) {
  case 'start': case 'demo': handOver('apps/launcher/dist/main.js', [job, ...args]); break;
  case 'bench': handOver('apps/e2e/dist/bench/main.js', args); break;
  case 'lint': lint(); break;
  case 'test': lint(); test(args); break;
}
