import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CarrierSim } from '@dialfleet/carrier-sim';
import { ApiClient, CrmReceiver, type RunFile } from '@dialfleet/launcher';
import { TemporaryNats } from '@dialfleet/messaging';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connectCarrier, eventually, Integrator } from '../harness/integrator.js';
import { PlatformProcess } from '../harness/platform-process.js';
import { customers, fleetEnv, startCarrier } from '../harness/test-fleet.js';

const isAlive = (pid: number): boolean => { try { process.kill(pid, 0); return true; } catch { return false; } };
const services = ({ pids }: RunFile): number[] => [...pids.gateway, ...pids.worker, ...pids.push];

describe('an operator who stops, starts and kills the launcher', () => {
  let dataDir: string;
  let crm: CrmReceiver;
  let carrier: CarrierSim;
  let launcher: PlatformProcess;
  let run: RunFile;
  let team: Integrator;
  let botId: string;
  const start = async (): Promise<void> => {
    launcher = PlatformProcess.launcher(fleetEnv(dataDir));
    run = await launcher.ready(dataDir);
    team = new Integrator(new ApiClient(run.url, run.admin_api_key ?? ''), team?.trunkId ?? await connectCarrier(new ApiClient(run.url, run.admin_api_key ?? ''), carrier.port));
  };
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'dialfleet-operator-'));
    crm = await CrmReceiver.start();
    carrier = await startCarrier();
    await start();
    botId = await team.bot({ opening_message: 'Hello.', silence: { enabled: true, prompt_after_ms: 3000, prompts: ['Goodbye.'], hang_up_after_prompts: 0 } });
    await team.api.post(`/api/v1/bots/${botId}/endpoints`, { kind: 'webhook', url: `${crm.url}/results` });
  });
  afterAll(async () => {
    launcher?.kill('SIGTERM');
    await launcher?.exit;
    await carrier?.stop();
    await crm?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  /** A live call after its opening message; the bot ends it some seconds later unless it is another bot. */
  const liveCall = async (bot = botId): Promise<string> => {
    const opening = carrier.next('heard');
    const sessionId = await team.dial(bot, customers.silent);
    await opening;
    return sessionId;
  };
  const pushesOf = (sessionId: string) => crm.all('/results').filter(({ body }) => (JSON.parse(body) as { session_id: string }).session_id === sessionId);

  it('starts it twice on one data folder: the second says who has it', async () => {
    const second = PlatformProcess.launcher(fleetEnv(dataDir));
    expect(await second.exit).toBe(1);
    expect(second.said).toEqual([expect.stringMatching(new RegExp(`${dataDir} is in use by another Dialfleet \\(pid ${run.pids.launcher[0]}\\).*DIALFLEET_DATA_DIR`))]);
    expect((await team.api.ask('GET', '/health/ready')).status).toBe(200);
  });

  it('stops it during a call: the call ends in its own time, its result is delivered, and nothing stays behind', async () => {
    const sessionId = await liveCall();
    launcher.kill('SIGTERM');
    expect(await launcher.exit).toBe(0);
    expect(launcher.said.at(-1)).toBe('stopped');
    expect(pushesOf(sessionId).map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([{ session_id: sessionId, disconnected_by: 'timeout', hangup_reason: 'silence' }]);
    expect(services(run).filter(isAlive)).toEqual([]);
    expect(carrier.calls.at(-1)).toMatchObject({ state: 'ended', endedBy: 'bot' });
  });

  it('starts it again: key, bots and results are still there', async () => {
    const { admin_api_key: key } = run;
    await start();
    expect(run.admin_api_key).toBe(key);
    expect(await team.api.get(`/api/v1/bots/${botId}`)).toMatchObject({ bot_id: botId });
    const { data } = await team.api.get<{ data: { session_id: string; status: string }[] }>('/api/v1/calls');
    expect(data).toMatchObject([{ status: 'ended' }]);
  });

  it('loses it to kill -9 during a call: the services see the call out and go', async () => {
    const sessionId = await liveCall();
    launcher.kill('SIGKILL');
    expect(await launcher.exit).toBe('SIGKILL');
    await eventually('the services have gone', () => (services(run).some(isAlive) ? undefined : true));
    expect(carrier.calls.at(-1)).toMatchObject({ state: 'ended', endedBy: 'bot' });
    await start();
    expect(await team.result(sessionId)).toMatchObject({ disconnected_by: 'timeout', hangup_reason: 'silence' });
    await eventually('the result is delivered', () => (pushesOf(sessionId).length > 0 ? true : undefined));
    expect(new Set(pushesOf(sessionId).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('loses it to kill -9 and starts it at once: calls left over are hung up and get their result, and a lost key is replaced', async () => {
    const sessionId = await liveCall(await team.bot({ opening_message: 'Hello.', silence: { enabled: false } }));
    const left = services(run);
    launcher.kill('SIGKILL');
    await launcher.exit;
    rmSync(join(dataDir, 'admin.json'));
    await start();
    expect(left.filter(isAlive)).toEqual([]);
    expect(await team.result(sessionId)).toMatchObject({ disconnected_by: 'bot', hangup_reason: 'draining' });
    expect(await team.result(await team.dial(botId, customers.busy))).toMatchObject({ hangup_reason: 'busy' });
  });
});

describe('an operator whose settings cannot work', () => {
  let nats: TemporaryNats;
  let dataDir: string;
  const taken: (() => void)[] = [];
  beforeAll(async () => {
    nats = await TemporaryNats.start();
    dataDir = mkdtempSync(join(tmpdir(), 'dialfleet-operator-'));
  });
  afterEach(() => { for (const free of taken.splice(0)) free(); });
  afterAll(async () => {
    await nats?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const takenTcpPort = async (): Promise<number> => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => { server.once('listening', resolve); });
    taken.push(() => { server.close(); });
    return (server.address() as AddressInfo).port;
  };
  const takenUdpPort = async (): Promise<number> => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
    taken.push(() => { socket.close(); });
    return socket.address().port;
  };
  /** Runs the program to its end; returns all it said. */
  const lastWords = async (program: PlatformProcess): Promise<string[]> => {
    expect(await program.exit).toBe(1);
    return program.said;
  };
  const worker = (env: NodeJS.ProcessEnv): PlatformProcess =>
    PlatformProcess.service('worker', { ...fleetEnv(dataDir), DIALFLEET_LOG_LEVEL: 'warn', NATS_URL: nats.url, ...env });

  it.each<[string, () => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv>, RegExp]>([
    ['no broker', () => ({ NATS_URL: 'nats://user:hunter2@127.0.0.1:1' }), /cannot reach NATS at nats:\/\/\*\*\*@127\.0\.0\.1:1/],
    ['RTP ports upside down', () => ({ DIALFLEET_RTP_PORTS: '40000-30000' }), /DIALFLEET_RTP_PORTS must be a range of ports/],
    ['a number that is none', () => ({ DIALFLEET_MAX_CALLS: 'ten' }), /DIALFLEET_MAX_CALLS must be a whole number from 1 to 2000, not "ten"/],
    ['no such log level', () => ({ DIALFLEET_LOG_LEVEL: 'loud' }), /DIALFLEET_LOG_LEVEL must be debug/],
    ['a worker id with wildcards', () => ({ DIALFLEET_WORKER_ID: 'w.*' }), /DIALFLEET_WORKER_ID may have letters/],
    ['an allow list that is none', () => ({ DIALFLEET_EGRESS_ALLOW: 'localhost' }), /DIALFLEET_EGRESS_ALLOW: "localhost" is not an address range/],
    ['a SIP port that another program has for UDP', async () => ({ DIALFLEET_SIP_PORT: String(await takenUdpPort()) }), /DIALFLEET_SIP_PORT: UDP port \d+ is taken/],
    ['a SIP port that another program has for TCP', async () => ({ DIALFLEET_SIP_PORT: String(await takenTcpPort()) }), /DIALFLEET_SIP_PORT: TCP port \d+ is taken/],
    ['a data folder that is a file', () => { writeFileSync(join(dataDir, 'file'), ''); return { DIALFLEET_DATA_DIR: join(dataDir, 'file') }; }, /not a directory/],
  ])('a worker with %s ends with one line that says so', async (_what, env, line) => {
    const said = await lastWords(worker(await env()));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(line);
    expect(said[0]).not.toContain('hunter2');
  });

  it('an HTTP port that is taken: the launcher names it, and leaves nothing running', async () => {
    const port = await takenTcpPort();
    const said = await lastWords(PlatformProcess.launcher({ ...fleetEnv(dataDir), DIALFLEET_LOG_LEVEL: 'silent', DIALFLEET_PORT: String(port), NATS_URL: nats.url, DIALFLEET_WORKERS: '0' }));
    expect(said.at(-1)).toMatch(new RegExp(`gateway could not start: DIALFLEET_PORT: port ${port} is taken by another program`));
  });

  it('no broker, or no database: the launcher says which', async () => {
    const broker = PlatformProcess.launcher({ ...fleetEnv(dataDir), NATS_URL: 'nats://127.0.0.1:1', DIALFLEET_WORKERS: '0' });
    expect((await lastWords(broker)).at(-1)).toMatch(/could not start: cannot reach NATS at nats:\/\/127\.0\.0\.1:1/);
    const database = PlatformProcess.launcher({ ...fleetEnv(dataDir), NATS_URL: nats.url, DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1:1/x' });
    const said = await lastWords(database);
    expect(said.at(-1)).toMatch(/cannot reach the database at 127\.0\.0\.1:1\/x/);
    expect(said.join()).not.toContain('hunter2');
  });
});
