import { VirtualClock } from '@dialfleet/kit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import { keepHealthFile } from './health-file.js';

describe('the health file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'dialfleet-health-')); path = join(folder, 'health'); });
  afterEach(() => { rmSync(folder, { recursive: true }); });

  /** Lets the writes of one beat reach the disk. */
  const until = async (done: () => boolean): Promise<void> => { while (!done()) await tick(); };
  const content = (): string => { try { return readFileSync(path, 'utf8').trim(); } catch { return ''; } };

  it('is rewritten each second while the probe succeeds, and rests while it fails', async () => {
    const clock = new VirtualClock(Date.UTC(2026, 0, 5, 10));
    let well = true;
    let probes = 0;
    const stop = keepHealthFile(path, () => { probes++; return well ? Promise.resolve() : Promise.reject(new Error('no broker')); }, clock);
    await until(() => content() === '2026-01-05T10:00:00.000Z');
    const second = async (): Promise<void> => { const before = probes; await until(() => { if (probes === before) clock.advance(1000); return probes > before; }); };
    await second();
    await until(() => content() !== '2026-01-05T10:00:00.000Z');
    well = false;
    await second();
    const last = content();
    await second();
    expect(content()).toBe(last);
    well = true;
    await second();
    await until(() => content() > last);
    stop();
  });

  it('is not kept without a path', async () => {
    let probes = 0;
    keepHealthFile('', () => { probes++; return Promise.resolve(); }, new VirtualClock())();
    await tick();
    expect(probes).toBe(0);
  });
});
