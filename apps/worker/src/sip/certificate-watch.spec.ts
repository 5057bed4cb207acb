import { silentLogger, VirtualClock } from '@dialfleet/kit';
import type { ServerTls } from '@dialfleet/telephony';
import { describe, expect, it } from '@jest/globals';
import { watchCertificate } from './certificate-watch.js';

describe('watchCertificate', () => {
  it('hands on what has changed, once, and survives files that are half written', async () => {
    const clock = new VirtualClock();
    let files: ServerTls | Error = { certificate: 'A', key: 'a' };
    const renewed: string[] = [];
    const stop = watchCertificate(files, () => { if (files instanceof Error) throw files; return files; }, (tls) => { renewed.push(tls.certificate); return Promise.resolve(); }, clock, silentLogger);
    const wait = (minutes: number): Promise<void> => clock.advanceAsync(minutes * 60_000, 60_000);
    await wait(30);
    files = new Error('are no pair');
    await wait(10);
    expect(renewed).toEqual([]);
    files = { certificate: 'B', key: 'b' };
    await wait(30);
    expect(renewed).toEqual(['B']);
    stop();
    files = { certificate: 'C', key: 'c' };
    await wait(30);
    expect(renewed).toEqual(['B']);
  });
});
