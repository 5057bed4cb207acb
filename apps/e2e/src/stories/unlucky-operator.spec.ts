import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CarrierSim } from '@dialfleet/carrier-sim';
import { ApiClient, CrmReceiver, type RunFile } from '@dialfleet/launcher';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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
  /** Ends its calls after some seconds of silence. */
  let botId: string;
  /** Never does. */
  let endless: string;
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
    endless = await team.bot({ opening_message: 'Hello.', silence: { enabled: false } });
    for (const bot of [botId, endless]) await team.api.post(`/api/v1/bots/${bot}/endpoints`, { kind: 'webhook', url: `${crm.url}/results` });
  });
  afterAll(async () => {
    launcher?.kill('SIGTERM');
    await launcher?.exit;
    await carrier?.stop();
    await crm?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  /** A live call after its opening message. */
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
    expect(await launcher.killed).toBe('SIGKILL');
    await eventually('the services have gone', () => (services(run).some(isAlive) ? undefined : true));
    expect(carrier.calls.at(-1)).toMatchObject({ state: 'ended', endedBy: 'bot' });
    await start();
    expect(await team.result(sessionId)).toMatchObject({ disconnected_by: 'timeout', hangup_reason: 'silence' });
    await eventually('the result is delivered', () => (pushesOf(sessionId).length > 0 ? true : undefined));
    expect(new Set(pushesOf(sessionId).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('loses it to kill -9 and starts it at once: calls left over are hung up and get their result, and a lost key is replaced', async () => {
    const sessionId = await liveCall(endless);
    const left = services(run);
    launcher.kill('SIGKILL');
    await launcher.killed;
    expect(left.filter(isAlive)).toContain(run.pids.worker[0]);
    rmSync(join(dataDir, 'admin.json'));
    await start();
    expect(left.filter(isAlive)).toEqual([]);
    expect(await team.result(sessionId)).toMatchObject({ disconnected_by: 'bot', hangup_reason: 'draining' });
    expect(await team.result(await team.dial(botId, customers.busy))).toMatchObject({ hangup_reason: 'busy' });
  });

  it('closes the terminal during a call, and then cannot wait: the call is hung up, its result delivered', async () => {
    const sessionId = await liveCall(endless);
    launcher.kill('SIGHUP');
    await eventually('it says that it is stopping', () => launcher.said.find((line) => line.startsWith('stopping:')));
    await eventually('it takes the next signal for a second one', () => { launcher.kill('SIGINT'); return launcher.said.find((line) => line === 'hanging up'); });
    expect(await launcher.exit).toBe(0);
    expect(pushesOf(sessionId).map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([{ session_id: sessionId, disconnected_by: 'bot', hangup_reason: 'draining' }]);
    expect(services(run).filter(isAlive)).toEqual([]);
  });
});
