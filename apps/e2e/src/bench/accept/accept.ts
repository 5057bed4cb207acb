import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findPostgresBinaries, startTemporaryPostgres } from '@dialfleet/database';
import { ApiClient, Fleet } from '@dialfleet/launcher';
import { HelperProcess } from '../helper-process.js';
import { CORE_UNDER_TEST, pinToCore } from '../machine.js';
import { cpuMs } from '../process-usage.js';
import { figure, type Row } from '../report.js';
import { median, medianRun } from '../statistics.js';
import type { BenchContext } from '../undo.js';
import type { LoadOrder, LoadResult } from './http-load.js';
import type { Slots } from './stand-in-worker.js';

const CONNECTIONS = 16;
const PLENTY = 1_000_000;
/** A stand-in that gets no processor for a quarter of a second refuses by silence; more than that is a fault. */
const MAX_UNEXPECTED = 0.01;
const HOW = `server on one core; database, broker and load generator (${CONNECTIONS} keep-alive connections, closed loop) on the other; a stand-in worker process takes every claim over the real NATS subjects: nothing is dialled`;

interface Measured extends LoadResult { cpuUs: number }
type Generator = HelperProcess<LoadOrder, LoadResult>;
interface Target { order: LoadOrder; pid: number }

/** `POST /api/v1/dialout` on the real gateway, next to a bare Fastify server with one NATS round trip, in turns. */
export async function benchAccept(context: BenchContext): Promise<Row[]> {
  const binaries = findPostgresBinaries();
  if (!binaries) context.say('accept: no PostgreSQL on this machine, the embedded database only');
  const rows = binaries ? await onPostgres(context, binaries) : [];
  return [...rows, ...await onEmbedded(context, rows.length === 0)];
}

async function onPostgres(context: BenchContext, binaries: string): Promise<Row[]> {
  const postgres = await startTemporaryPostgres(binaries);
  context.undo.add(() => postgres.close());
  const rows = await onDatabase(context, 'PostgreSQL', postgres.connectionString, { requests: 1500, fully: true });
  await context.undo.run();
  return rows;
}

const onEmbedded = (context: BenchContext, fully: boolean): Promise<Row[]> =>
  onDatabase(context, 'embedded database', undefined, { requests: 500, fully });

async function onDatabase(context: BenchContext, database: string, databaseUrl: string | undefined, plan: { requests: number; fully: boolean }): Promise<Row[]> {
  const { say, quick, undo } = context;
  say(`accept: starting the platform on the ${database}`);
  const fleet = await startFleet(context, databaseUrl);
  const { helper: worker } = await HelperProcess.start<Slots, Slots>('accept/stand-in-worker.js', undo, { args: [fleet.runFile.nats_url] });
  const { helper: bare, greeting } = await HelperProcess.start<never, never, { url: string }>('accept/bare-server.js', undo, { args: [fleet.runFile.nats_url], core: CORE_UNDER_TEST });
  const { helper: generator } = await HelperProcess.start<LoadOrder, LoadResult>('accept/http-load.js', undo);
  const order = await dialoutOrder(fleet);
  const gatewayPid = fleet.runFile.pids.gateway[0];
  pinToCore(gatewayPid, CORE_UNDER_TEST);
  const gateway = { order: { ...order, requests: plan.requests }, pid: gatewayPid };
  const reference = { order: { ...order, url: greeting.url, requests: 3000 }, pid: bare.pid };

  await seeSlots(fleet, worker, PLENTY);
  const rounds = quick ? 2 : 5;
  say(`accept: ${rounds} rounds of ${reference.order.requests} bare and ${plan.requests} dialout requests`);
  const turns = await inTurns(generator, [reference, gateway], rounds);
  const ratio = median(turns.map(([bareRun, gatewayRun]) => gatewayRun.perSecond / bareRun.perSecond));
  const [bareMedian, gatewayMedian] = [0, 1].map((i) => medianRun(turns.map((turn) => turn[i])));
  const accepted = acceptRow(`Dialout accepted, ${database}`, gatewayMedian, `${figure(ratio)} of the bare server's rate, ${figure(gatewayMedian.cpuUs - bareMedian.cpuUs)} µs more CPU a request`, HOW);
  if (!plan.fully) return [{ ...accepted, how: 'as above' }];
  await seeSlots(fleet, worker, 0);
  const refusals = await inTurns(generator, [{ ...gateway, order: { ...gateway.order, expectStatus: 503, requests: 2 * plan.requests } }], rounds);
  return [
    accepted, acceptRow('Bare Fastify + one NATS round trip', bareMedian, 'in turns with the runs above'),
    acceptRow(`Dialout refused (503, no capacity), ${database}`, medianRun(refusals.map(([run]) => run)), 'key and bot are still looked up; nothing is stored'),
  ];
}

const acceptRow = (what: string, run: Measured, beside: string, how = 'as above'): Row => ({
  what, result: `${figure(run.perSecond)} requests/s, p50 ${figure(run.p50Ms)} ms, p99 ${figure(run.p99Ms)} ms, ${figure(run.cpuUs)} µs CPU a request`, beside, how,
});

async function startFleet({ undo }: BenchContext, databaseUrl: string | undefined): Promise<Fleet> {
  const dataDir = mkdtempSync(join(tmpdir(), 'dialfleet-bench-'));
  undo.add(() => { rmSync(dataDir, { recursive: true, force: true }); });
  const fleet = await Fleet.start({ say: () => undefined, logToFiles: true, env: {
    ...process.env, DIALFLEET_DATA_DIR: dataDir, DIALFLEET_PORT: '0', DIALFLEET_WORKERS: '0', DIALFLEET_DRAIN_TIMEOUT_SECONDS: '1',
    NATS_URL: undefined, DATABASE_URL: databaseUrl, DIALFLEET_PUBLIC_URL: undefined,
  } });
  undo.add(() => fleet.stop());
  return fleet;
}

async function dialoutOrder({ runFile }: Fleet): Promise<Omit<LoadOrder, 'requests'>> {
  const api = new ApiClient(runFile.url, runFile.admin_api_key ?? '');
  const { trunk_id: trunkId } = await api.post<{ trunk_id: string }>('/api/v1/trunks', {
    name: 'Nowhere', host: '127.0.0.1', port: 9, transport: 'udp', default_from_number: '+14155550100', numbers: ['+14155550100'], codecs: ['PCMU'],
  });
  const { bot_id: botId } = await api.post<{ bot_id: string }>('/api/v1/bots', {
    name: 'Bench bot', trunk_id: trunkId, opening_message: 'Hello {{crm.name}}, this is a reminder of your appointment on {{crm.appointment}}.',
  });
  return {
    url: runFile.url, path: '/api/v1/dialout', headers: { 'x-api-key': runFile.admin_api_key ?? '' }, connections: CONNECTIONS, expectStatus: 200,
    body: { bot_id: botId, variables: { customer_id: 'C-1042', name: 'Maria', appointment: 'Monday at ten' } },
  };
}

/** Gives the stand-in so many slots, and waits until the gateway knows. */
async function seeSlots({ runFile }: Fleet, worker: HelperProcess<Slots, Slots>, max: number): Promise<void> {
  await worker.ask({ max });
  const api = new ApiClient(runFile.url, runFile.admin_api_key ?? '');
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await delay(50)) {
    if ((await api.get<{ fleet_max: number }>('/health/fleet')).fleet_max === max) return;
  }
  throw new Error('the gateway does not see the stand-in worker');
}

/** A round measures every target once, one after the other; the first is for the compiler. */
async function inTurns(generator: Generator, targets: readonly Target[], rounds: number): Promise<Measured[][]> {
  for (const { order } of targets) await generator.ask(order);
  const turns: Measured[][] = [];
  for (let round = 0; round < rounds; round++) {
    const turn: Measured[] = [];
    for (const target of targets) turn.push(await measure(generator, target));
    turns.push(turn);
  }
  return turns;
}

async function measure(generator: Generator, { order, pid }: Target): Promise<Measured> {
  const before = cpuMs(pid);
  const run = await generator.ask(order);
  if (run.unexpected > order.requests * MAX_UNEXPECTED) throw new Error(`${run.unexpected} of ${order.requests} answers were not ${order.expectStatus}`);
  return { ...run, cpuUs: ((cpuMs(pid) - before) * 1000) / order.requests };
}
