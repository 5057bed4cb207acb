import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Undo } from './undo.js';
import { buildVoipload, startVoipload } from './voipload.js';

describe('voipload', () => {
  const undo = new Undo();
  let program = '';
  beforeAll(() => { program = buildVoipload(undo); });
  afterAll(() => undo.run());

  it('answers its own calls and hears every packet of them', async () => {
    const carrier = await startVoipload(program, ['-U', '-z', '-n', '5', '-w', '0.2', '-W', '1'], undo);
    const caller = await startVoipload(program, ['-p', `127.0.0.1:${carrier.sipPort}`, '-n', '5', '-r', '50', '-d', '5', '-w', '0.2'], undo);
    const [answered, called] = await Promise.all([carrier.report, caller.report]);
    expect(answered).toMatchObject({ calls: 5, set_up: 5, failed: 0, silent: 0, lost: 0 });
    expect(called).toMatchObject({ calls: 5, set_up: 5, failed: 0, silent: 0 });
    expect(answered.packets).toBeGreaterThan(100);
    // Sequence numbers and timestamps have wrapped by now.
    expect(answered.late).toBeLessThan(answered.packets);
  });

  it('reports what it has when it is told to stop', async () => {
    const carrier = await startVoipload(program, ['-U', '-n', '9'], undo);
    const caller = await startVoipload(program, ['-p', `127.0.0.1:${carrier.sipPort}`, '-n', '2', '-r', '50', '-d', '0.3', '-w', '0'], undo);
    expect(await caller.report).toMatchObject({ set_up: 2, failed: 0 });
    carrier.stop();
    expect(await carrier.report).toMatchObject({ calls: 2, set_up: 2 });
  });
});
