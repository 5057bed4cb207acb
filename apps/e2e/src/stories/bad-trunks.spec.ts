import { CarrierSim, type CarrierSimOptions } from '@dialfleet/carrier-sim';
import type { CallResult } from '@dialfleet/call';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { closedTcpPort, startSilentTrunk, type SilentTrunk } from '../harness/silent-trunk.js';
import { customers, pause, TestFleet } from '../harness/test-fleet.js';
import { ExternalProgram } from '../harness/external-program.js';

const carrierProgram = fileURLToPath(new URL('../../../carrier-sim/dist/main.js', import.meta.url));
const credentials = { username: 'bot', password: 'right', algorithm: 'SHA-256' } as const;
const unknownNumber = '+14155550120';

/** Most of the time is waiting, so all calls are placed at once; each test looks at one. */
describe('trunks that fail, refuse, ask for credentials or vanish', () => {
  let fleet: TestFleet;
  let silent: SilentTrunk;
  let vanishing: ExternalProgram;
  const carriers: CarrierSim[] = [];
  const sessions: Record<string, string> = {};

  const startCarrier = async (options: CarrierSimOptions): Promise<CarrierSim> => {
    const carrier = await CarrierSim.start(options);
    carriers.push(carrier);
    return carrier;
  };
  /** A call through a trunk and a bot of its own; the CRM is told of each. */
  const place = async (story: string, trunk: Record<string, unknown>, to: string = customers.silent, bot: Record<string, unknown> = {}): Promise<void> => {
    const botId = await fleet.bot({ trunk_id: await fleet.trunk(trunk), ...bot });
    await fleet.api.post(`/api/v1/bots/${botId}/endpoints`, { kind: 'webhook', url: `${fleet.crm.url}/${story}` });
    sessions[story] = await fleet.dial(botId, to);
  };

  beforeAll(async () => {
    fleet = await TestFleet.start({ carrier: { personas: { byNumber: { [unknownNumber]: { name: 'unknown', refuses: { status: 404, reason: 'Not Found' } } } } } });
    silent = await startSilentTrunk();
    const tcp = await startCarrier({ transport: 'tcp' });
    const strict = await startCarrier({ auth: credentials, personas: { default: 'hangs-up-at-once' } });
    vanishing = new ExternalProgram(process.execPath, ['--no-warnings', carrierProgram, '--port', '0', '--persona', 'silent'], process.cwd());
    const vanishingPort = await readyPort(vanishing);
    await place('vanishes', { port: vanishingPort }, customers.silent, { silence: { enabled: false } });
    await place('silent', { port: silent.port }, customers.silent, { ring_timeout_seconds: 3 });
    await place('unresolvable', { host: 'no-such-host.invalid', port: 5060 });
    await place('refused', { transport: 'tcp', port: await closedTcpPort() });
    await place('unknown-number', { port: fleet.carrier.port }, unknownNumber);
    await place('right-password', { port: strict.port, username: credentials.username, password: credentials.password });
    await place('wrong-password', { port: strict.port, username: credentials.username, password: 'wrong' });
    await place('no-password', { port: strict.port });
    await place('tcp', { transport: 'tcp', port: tcp.port }, customers.callback);
    await fleet.event(sessions['vanishes'], 'turn.bot');
    await vanishing.stop();
  });
  afterAll(async () => {
    await vanishing?.stop();
    await fleet?.stop();
    await Promise.all(carriers.map((carrier) => carrier.stop()));
    await silent?.stop();
  });

  const resultOf = (story: string): Promise<CallResult> => fleet.result(sessions[story]);
  const whyOf = async (story: string): Promise<string> => String((await fleet.event(sessions[story], 'call.ending')).data['detail']);

  it('a host that does not resolve fails the call long before the ring time-out, and says which', async () => {
    const result = await resultOf('unresolvable');
    expect(result).toMatchObject({ disconnected_by: 'error', hangup_reason: 'trunk_failed', sip_status: null, answered_at: null, call_duration_seconds: 0, recording_status: 'none' });
    expect(result.ring_duration_seconds).toBeLessThan(30);
    expect(await whyOf('unresolvable')).toContain('no-such-host.invalid');
  });

  it('a trunk that answers nothing is given up at the ring time-out, and counts as not reached', async () => {
    const result = await resultOf('silent');
    expect(result).toMatchObject({ disconnected_by: 'RNR', hangup_reason: 'no_answer', call_duration_seconds: 0, answered_at: null });
    expect(result.ring_duration_seconds).toBeGreaterThanOrEqual(3);
    expect(result.ring_duration_seconds).toBeLessThan(10);
    expect(silent.datagrams.length).toBeGreaterThan(2);
    // Nothing was ever answered, so there is nothing to cancel (RFC 3261 §9.1): the INVITE is repeated, by timer A, beside keep-alives.
    expect(new Set(silent.datagrams.filter((datagram) => datagram.trim() !== '').map((datagram) => datagram.split(' ')[0]))).toEqual(new Set(['INVITE']));
  });

  it('a refused TCP connection fails the call at once', async () => {
    const result = await resultOf('refused');
    expect(result).toMatchObject({ disconnected_by: 'error', hangup_reason: 'trunk_failed', answered_at: null });
    expect(result.ring_duration_seconds).toBeLessThan(30);
    expect(await whyOf('refused')).toMatch(/ECONNREFUSED|refused/);
  });

  it('a number that the carrier does not know is an invalid number', async () => {
    expect(await resultOf('unknown-number')).toMatchObject({ disconnected_by: 'error', hangup_reason: 'invalid_number', sip_status: 404 });
  });

  it('the right password answers a SHA-256 challenge', async () => {
    expect(await resultOf('right-password')).toMatchObject({ disconnected_by: 'customer', hangup_reason: 'customer_hung_up', sip_status: 200 });
  });

  it('a wrong password, or none, is a failure of the trunk', async () => {
    expect(await resultOf('wrong-password')).toMatchObject({ disconnected_by: 'error', hangup_reason: 'trunk_failed', sip_status: 403, answered_at: null });
    expect(await resultOf('no-password')).toMatchObject({ disconnected_by: 'error', hangup_reason: 'trunk_failed', sip_status: 401, answered_at: null });
  });

  it('a conversation over TCP', async () => {
    const result = await resultOf('tcp');
    expect(result).toMatchObject({ disconnected_by: 'bot', sip_status: 200, recording_status: 'ready' });
    expect(result.transcript.filter(({ speaker }) => speaker === 'customer').map(({ text }) => text).join(' ').toLowerCase()).toMatch(/another day|call me|busy/);
  });

  it('a carrier that vanishes without a BYE: the media time-out ends the call, with what was said and recorded', async () => {
    const result = await resultOf('vanishes');
    expect(result).toMatchObject({ disconnected_by: 'error', hangup_reason: 'media_timeout', sip_status: 200, recording_status: 'ready' });
    expect(result.transcript).toMatchObject([{ speaker: 'bot' }]);
    expect(result.call_duration_seconds).toBeGreaterThan(15);
  });

  it('gave every call exactly one result', async () => {
    await Promise.all(Object.keys(sessions).map(resultOf));
    for (const [story, sessionId] of Object.entries(sessions)) {
      const pushes = await pushesOf(story);
      expect(pushes.map(({ body }) => (JSON.parse(body) as CallResult).session_id)).toEqual([sessionId]);
      const { events } = await fleet.api.get<{ events: { type: string }[] }>(`/api/v1/calls/${sessionId}/events`);
      expect(events.filter(({ type }) => type === 'call.ended')).toHaveLength(1);
    }
    expect(await fleet.api.get('/health/fleet')).toMatchObject({ fleet_calls: 0, workers: [{ status: 'ready', calls: 0 }] });
  });

  const pushesOf = async (story: string) => {
    await fleet.crm.next(`/${story}`, 20_000);
    return fleet.crm.all(`/${story}`);
  };
});

async function readyPort(program: ExternalProgram): Promise<number> {
  for (let tries = 0; tries < 150 && !program.ended; tries++) {
    const port = /ready sip:[^:]+:(\d+)/.exec(program.output)?.[1];
    if (port) return Number(port);
    await pause(100);
  }
  throw new Error(`the carrier did not start: ${program.output}`);
}
