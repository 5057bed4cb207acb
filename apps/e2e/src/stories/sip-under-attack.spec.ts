import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { throwAtDatagram } from '../harness/kill-thread.js';
import { anOffer, RawCaller } from '../harness/raw-caller.js';
import { customers, pause, TestFleet } from '../harness/test-fleet.js';

const DID = '+14155550100';
const CALLS = 8;

describe('a worker on a rough network', () => {
  let fleet: TestFleet;
  let sipAddress: string;
  let botId: string;
  beforeAll(async () => {
    fleet = await TestFleet.start({ env: { NODE_OPTIONS: '--inspect-port=0' } });
    botId = await fleet.bot({ ring_timeout_seconds: 60 });
    await fleet.api.post('/api/v1/numbers', { number: DID, trunk_id: fleet.trunkId, bot_id: botId });
    sipAddress = (await fleet.api.get<{ workers: { sip_address: string }[] }>('/health/fleet')).workers[0].sip_address;
  });
  afterAll(() => fleet?.stop());

  it('that a stranger floods takes and places its trunk\'s calls as ever, and tells the stranger nothing', async () => {
    const [stranger, trunk] = [await RawCaller.open(sipAddress, '127.0.0.66'), await RawCaller.open(sipAddress)];
    const flood = startFlood(sipAddress, stranger);
    try {
      for (let n = 0; n < CALLS; n++) {
        const callId = `flooded-${n}`;
        const invite = { callId, to: DID };
        trunk.send(trunk.request('INVITE', { ...invite, body: anOffer() }));
        const answer = await answered(trunk, callId);
        const toTag = /^To:.*;tag=([^;\s]+)/m.exec(answer)?.[1];
        trunk.send(trunk.request('ACK', { ...invite, toTag }));
        trunk.send(trunk.request('BYE', { ...invite, toTag, cseq: 2 }));
      }
      const dialled = await fleet.dial(botId, customers.busy);
      expect(await fleet.result(dialled)).toMatchObject({ disconnected_by: 'RNR', sip_status: 486 });
    } finally { flood.stop(); }
    expect(flood.sent()).toBeGreaterThan(2000);
    expect(stranger.received).toEqual([]);
    await Promise.all([stranger.close(), trunk.close()]);
  });

  it('keeps the SIP messages of a call, from the INVITE to why it failed, and gives them to nobody\'s CRM', async () => {
    const sessionId = await fleet.dial(botId, customers.busy);
    const result = await fleet.result(sessionId);
    const text = await (await fetch(`${fleet.fleet.runFile.url}/api/v1/calls/${sessionId}/sip`, { headers: { 'x-api-key': fleet.fleet.runFile.admin_api_key ?? '' } })).text();
    const diagram = text.split('\n').filter((line) => /^ +\+\d/.test(line)).map((line) => line.replace(/^ +\+\S+ /, '').replace(/-{3,}/, '-'));
    expect(diagram).toEqual([expect.stringMatching(/^\|-- INVITE \(SDP\) ->\|$/), ...diagram.slice(1, -2), expect.stringMatching(/^\|<- 486 Busy Here -\|$/), expect.stringMatching(/^\|-- ACK ->\|$/)]);
    expect(text).toContain(customers.busy);
    expect(result.events.map(({ type }) => type)).not.toContain('sip.ladder');
    const { data } = await fleet.event(sessionId, 'sip.ladder');
    expect(data).toMatchObject({ messages: expect.arrayContaining([expect.objectContaining({ direction: 'sent', transport: 'UDP', start_line: expect.stringMatching(/^INVITE sip:/), sdp: expect.stringContaining('m=audio') })]) });
  });

  it('that meets a fault of its own while it handles a message ends every call with a result, and is started again', async () => {
    const opening = fleet.carrier.next('heard');
    const [talking, ringing] = [await fleet.dial(botId, customers.silent), await fleet.dial(botId, customers.noAnswer)];
    await opening;
    await fleet.event(ringing, 'call.ringing');
    const [pid] = fleet.fleet.runFile.pids.worker;
    await throwAtDatagram(pid, 'SIP/2.0 1', join(fleet.fleet.folder.file('logs'), 'worker-1.log'));
    const third = await fleet.dial(botId, customers.noAnswer);
    const results = await Promise.all([talking, ringing, third].map((sessionId) => fleet.result(sessionId, 30_000)));
    for (const result of results) expect(result).toMatchObject({ disconnected_by: 'error', hangup_reason: 'worker_failed' });
    expect(results.map(({ recording_status }) => recording_status)).toEqual([expect.stringMatching(/ready|partial/), 'none', 'none']);
    for (let tries = 0; fleet.fleet.runFile.pids.worker[0] === pid && tries < 100; tries++) await pause(100);
    expect(() => process.kill(pid, 0)).toThrow();
  });
});

/** The 200 to the INVITE of this call. */
async function answered(caller: RawCaller, callId: string): Promise<string> {
  for (;;) {
    const ok = caller.received.find((message) => message.startsWith('SIP/2.0 200') && message.includes(callId) && message.includes('1 INVITE'));
    if (ok !== undefined) return ok;
    const refusal = caller.received.find((message) => /^SIP\/2\.0 [3-6]/.test(message) && message.includes(callId));
    if (refusal !== undefined) throw new Error(`refused: ${refusal}`);
    await pause(20);
  }
}

/** New INVITEs, scanners' and others', and rubbish, as fast as the event loop lets go, from the address of `stranger`. */
function startFlood(sipAddress: string, stranger: RawCaller): { stop(): void; sent(): number } {
  const [, address, port] = /^(.*):(\d+)$/.exec(sipAddress) ?? [];
  const socket = createSocket('udp4');
  let sent = 0;
  let going = true;
  const burst = (): void => {
    if (!going) { socket.close(); return; }
    for (let i = 0; i < 20; i++) {
      const headers = sent % 3 === 0 ? ['User-Agent: friendly-scanner'] : [];
      const text = sent % 5 === 4 ? 'x'.repeat(1000) : stranger.request('INVITE', { to: `100${sent}`, headers, body: anOffer('127.0.0.66') });
      socket.send(text, Number(port), address);
      sent++;
    }
    setTimeout(burst, 5);
  };
  socket.bind(0, '127.0.0.66', burst);
  return { stop: () => { going = false; }, sent: () => sent };
}
