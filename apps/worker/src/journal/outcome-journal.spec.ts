import type { CallOutcome } from '@dialfleet/call';
import { silentLogger, systemClock, VirtualClock } from '@dialfleet/kit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OutcomeJournal } from './outcome-journal.js';

const outcome = (sessionId: string) => ({ sessionId, disconnectedBy: 'customer' }) as CallOutcome;
const settle = async (): Promise<void> => { for (let i = 0; i < 50; i++) await new Promise((resolve) => { setImmediate(resolve); }); };

describe('the outcome journal', () => {
  let folder: string;
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'dialfleet-journal-')); });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps an outcome on disk until the broker has it', async () => {
    const clock = new VirtualClock();
    let down = true;
    const stored: string[] = [];
    const journal = new OutcomeJournal(folder, (o) => { if (down) return Promise.reject(new Error('no broker')); stored.push(o.sessionId); return Promise.resolve(); }, clock, silentLogger);
    await journal.open();
    await journal.keep(outcome('a'));
    await settle();
    expect(await readdir(folder)).toEqual(['a.json']);
    down = false;
    clock.advance(60_000);
    await settle();
    expect(stored).toEqual(['a']);
    expect(await readdir(folder)).toEqual([]);
  });

  it('publishes an outcome after what it waits for, and has it on disk before', async () => {
    const stored: string[] = [];
    const journal = new OutcomeJournal(folder, (o) => { stored.push(o.sessionId); return Promise.resolve(); }, systemClock, silentLogger);
    await journal.open();
    let told = (): void => undefined;
    await journal.keep(outcome('c'), new Promise((resolve) => { told = resolve; }));
    await settle();
    expect([stored, await readdir(folder)]).toEqual([[], ['c.json']]);
    told();
    await journal.close(5000);
    expect([stored, await readdir(folder)]).toEqual([['c'], []]);
  });

  it('publishes at start what a crash left behind', async () => {
    const crashed = new OutcomeJournal(folder, () => Promise.reject(new Error('no broker')), new VirtualClock(), silentLogger);
    await crashed.open();
    await crashed.keep(outcome('b'));
    const stored: string[] = [];
    const next = new OutcomeJournal(folder, (o) => { stored.push(o.sessionId); return Promise.resolve(); }, systemClock, silentLogger);
    await next.open();
    await next.close(5000);
    expect(stored).toEqual(['b']);
    expect(await readdir(folder)).toEqual([]);
  });
});
