import { describe, expect, it } from '@jest/globals';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { MediaThread, MediaThreadCrashedError } from './media-thread-client.js';

const options = { bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger };

/** A thread made of a few lines, to die when told to. */
const scriptedThread = (onMessage: string, atStart = 'main.postMessage({ type: "ready" });'): URL => new URL(`data:text/javascript,${encodeURIComponent(`
  import { parentPort as main } from 'node:worker_threads';
  main.on('message', (message) => { ${onMessage} });
  ${atStart}
`)}`);

const opensThenDies = scriptedThread(`
  const { type, request, question } = message;
  if (question?.method === 'open') main.postMessage({ type: 'answer', request, value: { session: 1, local: { address: '127.0.0.1', port: 4000 } } });
  else if (question?.method === 'record') main.postMessage({ type: 'answer', request });
  else if (question?.method === 'closeSession') {
    main.postMessage({ type: 'event', session: 1, event: { name: 'recordingFailed', payload: { message: 'disk full' } } });
    main.postMessage({ type: 'event', session: 1, event: { name: 'dtmf', payload: { digit: '1' } } });
    main.postMessage({ type: 'answer', request, value: {} });
  }
  else if (type === 'shutDown') main.close();
  else throw new Error('out of luck');
`);

describe('MediaThread', () => {
  it('tells everyone when its thread dies', async () => {
    const thread = await MediaThread.start({ ...options, workerUrl: opensThenDies });
    const session = await thread.open();
    const crashed = new Promise((resolve) => { thread.events.on('crashed', resolve); });
    const lost = new Promise((resolve) => { session.events.on('lost', resolve); });
    await expect(session.clear()).rejects.toThrow(MediaThreadCrashedError);
    await expect(crashed).resolves.toMatchObject({ error: { message: expect.stringContaining('out of luck') } });
    await expect(lost).resolves.toEqual({ message: expect.stringContaining('out of luck') });
    session.play('into the void', new Int16Array(160));
    await expect(session.record('/nowhere')).rejects.toThrow(MediaThreadCrashedError);
    await expect(thread.open()).rejects.toThrow(MediaThreadCrashedError);
    await expect(session.close()).resolves.toMatchObject({ packetsSent: 0 });
    await thread.close();
  });

  it('reports the end of a recording with the death of its thread', async () => {
    const thread = await MediaThread.start({ ...options, workerUrl: opensThenDies });
    const session = await thread.open();
    await session.record('/call.wav');
    const failed = new Promise((resolve) => { session.events.on('recordingFailed', resolve); });
    await expect(session.stats()).rejects.toThrow(MediaThreadCrashedError);
    await expect(failed).resolves.toEqual({ message: expect.stringContaining('out of luck') });
  });

  it('tells of the last batch that could not be written, and of nothing else, while a session closes', async () => {
    const thread = await MediaThread.start({ ...options, workerUrl: opensThenDies });
    const session = await thread.open();
    const told: unknown[] = [];
    session.events.on('recordingFailed', ({ message }) => told.push(message));
    session.events.on('dtmf', (key) => told.push(key));
    await session.close();
    expect(told).toEqual(['disk full']);
    await thread.close();
  });

  it('counts a thread that leaves on its own as crashed', async () => {
    const thread = await MediaThread.start({ ...options, workerUrl: scriptedThread('process.exit(3)') });
    const crashed = new Promise((resolve) => { thread.events.on('crashed', resolve); });
    await expect(thread.open()).rejects.toThrow('code 3');
    await expect(crashed).resolves.toMatchObject({ error: { message: 'the media thread exited with code 3' } });
  });

  it('does not call an ordered stop a crash', async () => {
    const thread = await MediaThread.start({ ...options, workerUrl: opensThenDies });
    let crashes = 0;
    thread.events.on('crashed', () => { crashes++; });
    await Promise.all([thread.close(), thread.close()]);
    expect(crashes).toBe(0);
    await expect(thread.open()).rejects.toThrow(MediaThreadCrashedError);
  });

  it('does not start with a thread that fails at once, or a file that is not there', async () => {
    await expect(MediaThread.start({ ...options, workerUrl: scriptedThread('', 'throw new Error("bad options")') })).rejects.toThrow('bad options');
    await expect(MediaThread.start({ ...options, workerUrl: new URL('file:///nowhere/media.worker.js') })).rejects.toThrow();
  });
});
