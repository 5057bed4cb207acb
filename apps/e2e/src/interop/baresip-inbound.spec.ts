import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseWav, rmsLevel } from '@dialfleet/media';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, pause } from '../harness/integrator.js';
import { TestFleet } from '../harness/test-fleet.js';
import { tonePurityAtBest } from './library-caller.js';
import { Softphone, type SoftphoneOptions } from './softphone.js';

const DID = '+14155550100';
const TONE_HZ = 600;
const opening = 'Welcome to Green Dental. Nobody has to wait here, and everybody is heard. What can we do for you today?';

/** A softphone calls a whole platform. */
describe('baresip calls a number of ours', () => {
  let fleet: TestFleet;
  let worker: string;
  let folder: string;
  let phone: Softphone | undefined;

  beforeAll(async () => {
    // This baresip knows MD5 only, and gives up when SHA-256 is offered, too.
    fleet = await TestFleet.start({ env: { DIALFLEET_SIP_DIGEST_ALGORITHMS: 'MD5' } });
    worker = (await fleet.api.get<{ workers: { sip_address: string }[] }>('/health/fleet')).workers[0].sip_address;
    await fleet.api.post('/api/v1/numbers', { number: DID, trunk_id: fleet.trunkId, bot_id: await fleet.bot({ trunk_id: undefined, opening_message: opening, interruption: { opening_message: false } }) });
  });
  afterAll(() => fleet?.stop());
  afterEach(async () => {
    await phone?.stop();
    phone = undefined;
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  async function changeTrunk(change: object): Promise<void> {
    const { status, text } = await fleet.api.ask('PATCH', `/api/v1/trunks/${fleet.trunkId}`, change);
    expect({ status, text: status === 200 ? '' : text }).toEqual({ status: 200, text: '' });
  }
  const sessions = async (): Promise<string[]> => (await fleet.api.get<{ data: { session_id: string }[] }>('/api/v1/calls?limit=100')).data.map(({ session_id }) => session_id);

  /** Calls, listens to the opening message, and hangs up. */
  async function callAndListen(options: Partial<SoftphoneOptions>): Promise<Awaited<ReturnType<TestFleet['result']>>> {
    folder = await mkdtemp(join(tmpdir(), 'dialfleet-baresip-'));
    phone = await Softphone.start({ folder, toneHz: TONE_HZ, ...options });
    const known = await sessions();
    await phone.command('dial', `sip:${DID}@${worker}`);
    const id = await eventually('the call', async () => (await sessions()).find((one) => !known.includes(one)), 15_000).catch((error: unknown) => { throw new Error(phone?.output ?? '', { cause: error }); });
    await fleet.event(id, 'turn.bot');
    await pause(2500);
    await phone.command('hangup');
    const result = await fleet.result(id);
    expect(result).toMatchObject({ direction: 'inbound', caller_id: 'phone', disconnected_by: 'customer', sip_status: 200, recording_status: 'ready' });
    await phone.stop();
    expect(rmsLevel(await phone.heard())).toBeGreaterThan(200);
    const { channels: [customer, bot] } = parseWav(Buffer.from(await (await fetch(String(result.recording_url))).arrayBuffer()));
    expect(tonePurityAtBest(customer, TONE_HZ)).toBeGreaterThan(0.8);
    expect(rmsLevel(bot)).toBeGreaterThan(200);
    return result;
  }

  it('from the address of a trunk', async () => {
    expect((await callAndListen({})).media).toMatchObject({ srtp: false });
  });

  it('over a trunk that wants Opus and SRTP', async () => {
    await changeTrunk({ codecs: ['opus'], srtp: 'required' });
    const { media } = await callAndListen({ codecs: 'opus/48000/2', codecModules: ['opus'], mediaEncryption: 'srtp-mand' });
    expect(media).toMatchObject({ codec: 'opus', srtp: true });
    await changeTrunk({ codecs: ['PCMU', 'PCMA'], srtp: 'off' });
  });

  it('from an address that is no trunk\'s, with the credentials of one', async () => {
    await changeTrunk({ host: '127.0.0.77', username: 'branch', password: 'secret', inbound_auth: true });
    await callAndListen({ account: ';auth_user=branch;auth_pass=secret' });
  });
});
