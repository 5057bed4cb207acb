import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { customers, TestFleet } from '../harness/test-fleet.js';

describe('a conversation over another codec than G.711', () => {
  let fleet: TestFleet;
  const sessions = new Map<string, string>();

  beforeAll(async () => {
    fleet = await TestFleet.start({ carrier: { codecs: ['PCMU', 'G722', 'opus'] } });
    for (const codec of ['opus', 'G722']) {
      const trunkId = await fleet.trunk({ port: fleet.carrier.port, codecs: [codec] });
      const botId = await fleet.bot({ trunk_id: trunkId });
      sessions.set(codec, await fleet.dial(botId, customers.callback));
    }
  });
  afterAll(() => fleet?.stop());

  it.each(['opus', 'G722'])('is understood by both sides: %s', async (codec) => {
    const result = await fleet.result(sessions.get(codec) as string);
    const said = (speaker: string): string => result.transcript.filter((turn) => turn.speaker === speaker).map((turn) => turn.text).join(' ');
    expect(said('bot')).toContain('reminder from Green Dental');
    expect(said('customer').toLowerCase()).toMatch(/another day|call me/);
    expect(result).toMatchObject({ sip_status: 200, media: { codec }, recording_status: 'ready' });
  });
});
