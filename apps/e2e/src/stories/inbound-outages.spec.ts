import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../harness/integrator.js';
import { PlatformProcess } from '../harness/platform-process.js';
import { anOffer, RawCaller } from '../harness/raw-caller.js';
import { TestFleet } from '../harness/test-fleet.js';

const DID = '+14155550100';
const patient = { opening_message: 'Hello.', silence: { enabled: true, prompt_after_ms: 1500, prompts: ['Are you there?'], hang_up_after_prompts: 10 } };

interface Worker { id: string; status: string; sip_address: string }

describe('calls that come in while parts of the platform come and go', () => {
  let fleet: TestFleet;
  let second: PlatformProcess;
  let workers: Worker[];

  const health = async (): Promise<Worker[]> => (await fleet.api.get<{ workers: Worker[] }>('/health/fleet')).workers;
  const sessions = async (): Promise<string[]> => (await fleet.api.get<{ data: { session_id: string }[] }>('/api/v1/calls?limit=100')).data.map(({ session_id }) => session_id);
  const dial = (worker: Worker) => fleet.carrier.dial({ to: `sip:${DID}@${worker.sip_address}`, persona: 'silent', from: '+14155550177' });
  /** The final answer to one INVITE. */
  async function answerTo(worker: Worker): Promise<string> {
    const caller = await RawCaller.open(worker.sip_address);
    try {
      const callId = `${Math.random().toString(36).slice(2)}@carrier`;
      caller.send(caller.request('INVITE', { callId, body: anOffer() }));
      return await eventually('a final answer', () => caller.received.find((message) => /^SIP\/2\.0 [2-6]/.test(message)));
    } finally { await caller.close(); }
  }

  beforeAll(async () => {
    fleet = await TestFleet.start({ workers: 2, maxCalls: 4 });
    const { nats_url: natsUrl, database_url: databaseUrl } = fleet.fleet.runFile;
    const { path } = fleet.fleet.folder;
    second = PlatformProcess.service('gateway', {
      ...process.env, NATS_URL: natsUrl, DATABASE_URL: databaseUrl, DIALFLEET_PORT: '0', DIALFLEET_DATA_DIR: path, DIALFLEET_DATABASE_POOL: '2',
      DIALFLEET_SECRET_KEY: readFileSync(join(path, 'secret.key'), 'utf8').trim(),
    });
    await eventually('the second gateway is there', () => second.said.find((line) => line.includes('gateway ready')));
    const botId = await fleet.bot({ ...patient, trunk_id: undefined });
    await fleet.api.post('/api/v1/numbers', { number: DID, trunk_id: fleet.trunkId, bot_id: botId });
    workers = await health();
  });
  afterAll(async () => {
    second?.kill('SIGTERM');
    await second?.exit;
    await fleet?.stop();
  });

  it('are decided by either gateway, each once', async () => {
    const known = await sessions();
    const calls = [0, 1, 0, 1, 0, 1].map((i) => dial(workers[i]));
    await eventually('all are answered', () => (calls.every(({ record }) => record.answeredAtMs !== null) ? true : undefined));
    const made = (await sessions()).filter((id) => !known.includes(id));
    expect(made).toHaveLength(6);
    for (const call of calls) call.hangUp();
    for (const id of made) expect(await fleet.result(id)).toMatchObject({ disconnected_by: 'customer', direction: 'inbound' });
    // A worker that waits too long asks again, and is told of the same call.
    const first = readFileSync(join(fleet.fleet.folder.path, 'logs', 'gateway.log'), 'utf8').split('\n');
    const decided = [...first, ...second.said].filter((line) => line.includes('inbound call taken')).map((line) => (JSON.parse(line) as { session_id: string }).session_id);
    expect(new Set(decided)).toEqual(new Set(made));
  });

  it('are decided by the gateway that is left', async () => {
    const known = await sessions();
    process.kill(fleet.fleet.runFile.pids.gateway[0], 'SIGKILL');
    const call = dial(workers[0]);
    await eventually('it is answered', () => (call.record.answeredAtMs === null ? undefined : true));
    call.hangUp();
    const id = await eventually('the first gateway is back', async () => (await sessions()).find((one) => !known.includes(one)));
    expect(await fleet.result(id)).toMatchObject({ disconnected_by: 'customer' });
  });

  it('get one result when their worker is lost', async () => {
    const known = await sessions();
    const call = dial(workers[1]);
    await eventually('it is answered', () => (call.record.answeredAtMs === null ? undefined : true));
    const id = await eventually('it is known', async () => (await sessions()).find((one) => !known.includes(one)));
    await fleet.event(id, 'call.talking');
    const pids = fleet.fleet.runFile.pids.worker;
    process.kill(pids[1], 'SIGKILL');
    expect(await fleet.result(id)).toMatchObject({ direction: 'inbound', caller_id: '+14155550177', disconnected_by: 'error', hangup_reason: 'worker_lost' });
    call.hangUp();
    workers = await eventually('the worker is back', async () => {
      const seen = await health();
      return seen.filter(({ status }) => status === 'ready').length === 2 ? seen : undefined;
    });
  });

  it('are turned away by a worker that drains, and taken by the other', async () => {
    await fleet.api.post(`/api/v1/fleet/workers/${workers[1].id}/drain`, {});
    expect(await answerTo(workers[1])).toMatch(/^SIP\/2\.0 503 [^]*\r\nRetry-After: [1-9]\d*\r\n/);
    const call = dial(workers[0]);
    await eventually('it is answered', () => (call.record.answeredAtMs === null ? undefined : true));
    call.hangUp();
    await call.finished;
  });

  it('get 503 with Retry-After while no gateway can be asked; what a gateway grants too late is closed with one result', async () => {
    const known = await sessions();
    second.kill('SIGSTOP');
    process.kill(fleet.fleet.runFile.pids.gateway[0], 'SIGSTOP');
    try {
      expect(await answerTo(workers[0])).toMatch(/^SIP\/2\.0 503 [^]*\r\nRetry-After: [1-9]\d*\r\n/);
    } finally {
      process.kill(fleet.fleet.runFile.pids.gateway[0], 'SIGCONT');
      second.kill('SIGCONT');
    }
    // Both wake up with the question in their hands, and give a call to a worker that does not wait for it any more.
    const made = await eventually('the call is stored', async () => { const now = (await sessions()).filter((id) => !known.includes(id)); return now.length > 0 ? now : undefined; });
    expect(made).toHaveLength(1);
    expect(await fleet.result(made[0])).toMatchObject({ direction: 'inbound', disconnected_by: 'error', hangup_reason: 'not_taken', answered_at: null, call_duration_seconds: 0 });
  });
});
