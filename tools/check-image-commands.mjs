#!/usr/bin/env node
/**
 * Proves the Dockerfile without a container engine: carries out its COPY and RUN lines in temporary folders (one a stage),
 * for each app, then starts what came out with the image's own CMD next to a real broker and database, waits for its
 * HEALTHCHECK and stops it with SIGTERM. Some minutes; needs a built checkout and nats-server.
 *
 *   node tools/check-image-commands.mjs [--keep]
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'dialfleet-image-'));
const say = (text) => console.error(text);

/** `{ name, from, steps: [{ op, args }] }` for each stage. */
function parseDockerfile(text) {
  const lines = text.replace(/\\\n\s*/g, '').split('\n').filter((line) => line.trim() && !line.startsWith('#'));
  const stages = [];
  for (const line of lines) {
    const [, op, args] = /^(\w+)\s+(.*)$/.exec(line);
    const [, from, name] = op === 'FROM' ? /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(args) : [];
    if (op === 'FROM') stages.push({ from, name: name ?? 'final', steps: [] });
    else stages.at(-1).steps.push({ op, args });
  }
  return stages;
}

/** The build context by .dockerignore: the last pattern that fits a path decides. */
function copyContext(target) {
  const rules = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
    const pattern = line.replace(/^!/, '').replace(/[.+^$()|[\]{}]/g, '\\$&').replaceAll('**/', '\u0000').replaceAll('*', '[^/]*').replaceAll('\u0000', '(.*/)?');
    return { keep: line.startsWith('!'), fits: new RegExp(`^${pattern}(/.*)?$`) };
  });
  const kept = (path) => rules.reduce((keep, rule) => (rule.fits.test(path) ? rule.keep : keep), true);
  cpSync(root, target, { recursive: true, filter: (source) => { const path = relative(root, source); return path === '' || kept(path); } });
}

class Builder {
  #stages;
  #done = new Map();

  constructor(stages) { this.#stages = stages; }

  /** Builds the last stage for `app`. Returns `{ folder, env, cwd, steps }`. */
  build(app) { return this.#stage(this.#stages.at(-1), app); }

  #stage(stage, app) {
    const perApp = stage.steps.findIndex(({ op }) => op === 'ARG');
    const common = this.#once(stage.name, () => {
      const parent = this.#stages.find(({ name }) => name === stage.from);
      const base = parent ? this.#stage(parent, app) : { env: {}, cwd: '/', folder: null };
      return this.#run({ ...base, folder: this.#folder(stage.name, base.folder) }, stage.steps.slice(0, perApp < 0 ? undefined : perApp), app);
    });
    if (perApp < 0) return common;
    return this.#once(`${stage.name}-${app}`, () => this.#run({ ...common, folder: this.#folder(`${stage.name}-${app}`, common.folder) }, stage.steps.slice(perApp), app));
  }

  #once(key, make) {
    if (!this.#done.has(key)) this.#done.set(key, make());
    return this.#done.get(key);
  }

  #folder(name, from) {
    const folder = join(work, name);
    if (from) sh(`cp -al '${from}' '${folder}'`, work, {});
    else mkdirSync(folder, { recursive: true });
    return folder;
  }

  #run(state, steps, app) {
    for (const { op, args } of steps) {
      const value = args.replaceAll('$APP', app);
      if (op === 'WORKDIR') { state.cwd = value; mkdirSync(join(state.folder, value), { recursive: true }); }
      else if (op === 'ENV') state.env = { ...state.env, ...Object.fromEntries(value.split(/\s+/).map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)])) };
      else if (op === 'ARG') state.env = { ...state.env, [args]: app };
      else if (op === 'COPY') this.#copy(state, value.split(/\s+/), app);
      else if (op === 'RUN') this.#runLine(state, args);
      else if (op === 'CMD') state.command = JSON.parse(value);
      else if (op === 'HEALTHCHECK') state.healthcheck = JSON.parse(value.slice(value.indexOf('[')));
      else if (op !== 'USER') throw new Error(`${op} is not known here`);
    }
    return state;
  }

  #copy(state, words, app) {
    const [source, target] = words.filter((word) => !word.startsWith('--'));
    const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
    const destination = join(state.folder, isAbsolute(target) ? target : join(state.cwd, target));
    if (!from && source === '.') { copyContext(destination); return; }
    const path = from ? join(this.#stage(this.#stages.find(({ name }) => name === from), app).folder, source) : join(root, source);
    // A folder's content goes over; a file goes into `target/`.
    cpSync(path, statSync(path).isDirectory() || !target.endsWith('/') ? destination : join(destination, basename(source)), { recursive: true, verbatimSymlinks: true });
  }

  #runLine(state, line) {
    if (line.includes('chown')) { say(`  (left out: RUN ${line})`); return; }
    say(`  RUN ${line}`);
    sh(line, join(state.folder, state.cwd), state.env);
  }
}

function sh(line, cwd, env) {
  const result = spawnSync('sh', ['-c', line], { cwd, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
  if (result.status !== 0) throw new Error(`exit code ${result.status}: ${line}`);
}

/** Starts the image's CMD, waits for its HEALTHCHECK, stops it. */
async function tryOut(image, app, settings) {
  const inside = (path) => (path.startsWith('/') ? join(image.folder, path) : path);
  const cwd = inside(image.cwd);
  const health = join(work, `${app}.health`);
  const env = { PATH: process.env.PATH, ...image.env, ...settings, DIALFLEET_DATA_DIR: join(work, 'data'), DIALFLEET_HEALTH_FILE: health };
  const [program, ...args] = image.command.map(inside);
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => { child.once('exit', (code, signal) => { resolve(signal ?? code); }); });
  const [checker, ...checkArgs] = image.healthcheck.map(inside);
  // Not spawnSync: this process serves the database that the check asks for.
  const healthy = () => new Promise((resolve) => { spawn(checker, checkArgs, { cwd, env, stdio: 'ignore' }).once('exit', (code) => { resolve(code === 0); }); });
  const deadline = Date.now() + 60_000;
  while (!(await healthy())) {
    if (child.exitCode !== null || Date.now() > deadline) { child.kill('SIGKILL'); throw new Error(`${app} did not become healthy`); }
    await new Promise((resolve) => { setTimeout(resolve, 250); });
  }
  child.kill('SIGTERM');
  const code = await ended;
  if (code !== 0) throw new Error(`${app} ended with ${code} on SIGTERM`);
  const size = spawnSync('du', ['-sm', image.folder], { encoding: 'utf8' }).stdout.split('\t')[0];
  say(`${app}: builds, becomes healthy, stops on SIGTERM; ${size} MB besides the base image`);
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

const { startEmbeddedDatabase } = await import('@dialfleet/database');
let nats;
let database;
try {
  const builder = new Builder(parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8')));
  const images = Object.fromEntries(['gateway', 'worker', 'push'].map((app) => { say(`building ${app}`); return [app, builder.build(app)]; }));
  const natsPort = await freePort();
  nats = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(natsPort), '-js', '-sd', join(work, 'nats')], { stdio: 'ignore' });
  database = await startEmbeddedDatabase();
  const settings = {
    NATS_URL: `nats://127.0.0.1:${natsPort}`, DATABASE_URL: database.connectionString, DIALFLEET_DATABASE_POOL: '4', DIALFLEET_SECRET_KEY: randomBytes(32).toString('base64'),
    DIALFLEET_PORT: String(await freePort()), DIALFLEET_SIP_PORT: '0', DIALFLEET_DRAIN_TIMEOUT_SECONDS: '1', DIALFLEET_ADVERTISED_ADDRESS: '127.0.0.1', DIALFLEET_LOG_LEVEL: 'warn',
  };
  // In a process of its own: the embedded database is served by this one.
  const migrated = await new Promise((resolve) => {
    spawn(process.execPath, [join(images.gateway.folder, 'app/tools/migrate.mjs')], { env: { ...process.env, ...settings }, stdio: 'inherit' }).once('exit', resolve);
  });
  if (migrated !== 0) throw new Error('migrations failed');
  for (const [app, image] of Object.entries(images)) await tryOut(image, app, settings);
} finally {
  nats?.kill();
  await database?.close();
  if (process.argv.includes('--keep')) say(`kept ${work}`);
  else rmSync(work, { recursive: true, force: true });
}
