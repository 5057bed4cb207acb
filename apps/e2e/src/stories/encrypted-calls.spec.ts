import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { customers, TestFleet } from '../harness/test-fleet.js';

describe('a trunk that requires SRTP', () => {
  let fleet: TestFleet;
  let sessionId: string;

  beforeAll(async () => {
    fleet = await TestFleet.start();
    const trunkId = await fleet.trunk({ port: fleet.carrier.port, srtp: 'required', codecs: ['PCMU'] });
    sessionId = await fleet.dial(await fleet.bot({ trunk_id: trunkId }), customers.callback);
  });
  afterAll(() => fleet?.stop());

  it('has an encrypted conversation whose result tells how it sounded', async () => {
    const result = await fleet.result(sessionId);
    const said = (speaker: string): string => result.transcript.filter((turn) => turn.speaker === speaker).map((turn) => turn.text).join(' ');
    expect(said('bot')).toContain('reminder from Green Dental');
    expect(said('customer').toLowerCase()).toMatch(/another day|call me/);
    expect(result).toMatchObject({ sip_status: 200, recording_status: 'ready', media: { srtp: true, codec: 'PCMU', packets_foreign: 0, packets_unauthentic: 0 } });
    expect(Number(result.media?.['mos'])).toBeGreaterThan(3.5);
    // The far end has reported by then: its first report comes within four seconds.
    expect(result.call_duration_seconds).toBeGreaterThan(5);
    expect(result.media?.['remote_jitter_ms']).not.toBeNull();
  });

  it('shows the negotiation without the keys', async () => {
    const shown = JSON.stringify(await fleet.api.get(`/api/v1/calls/${sessionId}/events`));
    expect(shown).toContain('RTP/SAVP');
    expect(shown).toContain('inline:***');
    expect(shown).not.toMatch(/inline:[A-Za-z0-9+/]{40}/);
  });
});
