import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { killThread } from '../harness/kill-thread.js';
import { customers, pause, TestFleet } from '../harness/test-fleet.js';

describe('a worker whose media thread dies', () => {
  let fleet: TestFleet;
  let botId: string;
  beforeAll(async () => { fleet = await TestFleet.start({ env: { NODE_OPTIONS: '--inspect-port=0' } }); botId = await fleet.bot({ ring_timeout_seconds: 60 }); });
  afterAll(() => fleet?.stop());

  it('ends every call with a result, answered or not, and is started again', async () => {
    const opening = fleet.carrier.next('heard');
    const [talking, ringing] = [await fleet.dial(botId, customers.silent), await fleet.dial(botId, customers.noAnswer)];
    await opening;
    await fleet.event(ringing, 'call.ringing');
    const [pid] = fleet.fleet.runFile.pids.worker;
    await killThread(pid, 'media', join(fleet.fleet.folder.file('logs'), 'worker-1.log'));
    const results = await Promise.all([talking, ringing].map((sessionId) => fleet.result(sessionId, 30_000)));
    for (const result of results) expect(result).toMatchObject({ disconnected_by: 'error', hangup_reason: 'worker_failed' });
    expect(results[0].transcript).not.toHaveLength(0);
    expect(results[0]).toMatchObject({ recording_status: 'partial', recording_url: expect.any(String), warnings: [expect.stringContaining('media thread died')] });
    expect(results[1]).toMatchObject({ recording_status: 'none', answered_at: null });
    expect(fleet.carrier.calls.map(({ state }) => state)).toEqual(['ended', 'ended']);
    for (let tries = 0; fleet.fleet.runFile.pids.worker[0] === pid && tries < 100; tries++) await pause(100);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  it('takes calls again, with a voice', async () => {
    const sessionId = await dialWhenReady(fleet, botId);
    await fleet.event(sessionId, 'turn.bot');
    await fleet.api.post(`/api/v1/calls/${sessionId}/hangup`, {});
    expect(await fleet.result(sessionId)).toMatchObject({ hangup_reason: 'hangup_requested', recording_status: 'ready' });
  });
});

async function dialWhenReady(fleet: TestFleet, botId: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    try { return await fleet.dial(botId, customers.silent); } catch (error) {
      if (tries === 100) throw error;
      await pause(200);
    }
  }
}
