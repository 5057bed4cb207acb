import { describe, expect, it } from '@jest/globals';
import type { LegEvents } from '@dialfleet/call';
import { Emitter, silentLogger } from '@dialfleet/kit';
import { pressOfInfo } from '../in-call/info-dtmf.js';
import { LegMedia } from './leg-media.js';
import { FakeMedia } from '../testing/fake-media.js';

const answer = (direction: string): string => `v=0\r\nc=IN IP4 10.0.0.9\r\nm=audio 4000 RTP/AVP 0\r\na=${direction}\r\n`;

describe('LegMedia', () => {
  const setUp = (): { factory: FakeMedia; media: LegMedia; events: Emitter<LegEvents> } => {
    const factory = new FakeMedia();
    const events = new Emitter<LegEvents>();
    return { factory, events, media: new LegMedia(factory, ['PCMU'], events, silentLogger) };
  };

  it('keeps what is played before it opens, in order', async () => {
    const { factory, media } = setUp();
    media.audioOut.play('a', new Int16Array(160));
    media.audioOut.endOf('a');
    media.audioOut.pause();
    await media.record('/x.wav');
    await media.open();
    media.audioOut.resume();
    expect(factory.sessions[0].played).toEqual(['pause', 'a', 'a end', 'resume']);
    expect(factory.sessions[0].recordedTo).toBe('/x.wav');
  });

  it('drops what was cleared before it opens', async () => {
    const { factory, media } = setUp();
    media.audioOut.play('a', new Int16Array(160));
    expect(await media.audioOut.clear()).toEqual({ a: 0 });
    await media.open();
    expect(factory.sessions[0].played).toEqual([]);
  });

  it('expects media only while talking and not held', async () => {
    const { factory, media } = setUp();
    await media.open();
    const [session] = factory.sessions;
    media.applyAnswer(answer('sendrecv'));
    expect(session.expected).toBe(false);
    media.startTalking();
    expect(session.expected).toBe(true);
    media.answerOffer(answer('inactive'));
    expect(session.expected).toBe(false);
    media.answerOffer(answer('sendrecv'));
    expect(session.expected).toBe(true);
  });

  it('reports silence as a fault only after the answer, and passes the other events on', async () => {
    const { factory, media, events } = setUp();
    const seen: unknown[] = [];
    events.on('fault', (fault) => seen.push(fault));
    events.on('dtmf', (key) => seen.push(key));
    await media.open();
    factory.sessions[0].events.emit('timeout', { silentMs: 30_000 });
    factory.sessions[0].events.emit('dtmf', { digit: '5' });
    media.startTalking();
    factory.sessions[0].events.emit('timeout', { silentMs: 15_000 });
    expect(seen).toEqual([{ digit: '5' }, { reason: 'media_timeout', detail: 'no RTP from the far end for 15000 ms' }]);
  });

  it('tells when what it plays begins and ends', async () => {
    const { factory, media, events } = setUp();
    const told: unknown[] = [];
    events.on('playing', (playing) => told.push(['playing', playing]));
    events.on('played', (played) => told.push(['played', played]));
    await media.open();
    factory.sessions[0].events.emit('playing', { tag: 'a', offsetMs: 40 });
    factory.sessions[0].events.emit('played', { tag: 'a', offsetMs: 60 });
    expect(told).toEqual([['playing', { tag: 'a', offsetMs: 40 }], ['played', { tag: 'a', offsetMs: 60 }]]);
  });

  it('reports a lost session as a fault, also before the answer', async () => {
    const { factory, media, events } = setUp();
    const faults: unknown[] = [];
    events.on('fault', (fault) => faults.push(fault));
    await media.open();
    factory.sessions[0].events.emit('lost', { message: 'the media thread died' });
    expect(faults).toEqual([{ reason: 'worker_failed', detail: 'the media thread died' }]);
  });

  it('opens one session however often it is asked, and goes on when the recording fails', async () => {
    const { factory, media, events } = setUp();
    const failures: unknown[] = [];
    events.on('recordingFailed', (failure) => failures.push(failure));
    const open = factory.open.bind(factory);
    factory.open = async () => Object.assign(await open(), { record: () => Promise.reject(new Error('disk full')) });
    await media.record('/x.wav');
    await Promise.all([media.open(), media.open()]);
    expect(factory.sessions).toHaveLength(1);
    expect(failures).toEqual([{ message: 'disk full' }]);
    await expect(media.record('/y.wav')).rejects.toThrow('disk full');
    factory.sessions[0].events.emit('recordingFailed', { message: 'disk slow' });
    expect(failures).toEqual([{ message: 'disk full' }, { message: 'disk slow' }]);
  });

  it('closes a session that opens after it was closed', async () => {
    const { factory, media } = setUp();
    const opening = media.open();
    await media.close();
    await expect(opening).rejects.toThrow('closed');
    expect(factory.sessions.map((session) => session.closed)).toEqual([true]);
  });
});

describe('pressOfInfo', () => {
  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160', { digit: '5', durationMs: 160 }], ['application/dtmf-relay;x=y', 'signal = *\n', { digit: '*' }], ['application/dtmf-relay', 'Signal=11', { digit: '#' }],
    ['Application/DTMF', ' a ', { digit: 'A' }], ['application/dtmf', 'Signal=7\r\nDuration=0', { digit: '7' }], ['application/dtmf', '55', undefined], ['application/media_control+xml', '5', undefined], [undefined, '5', undefined],
  ])('%s %j → %j', (type, body, press) => { expect(pressOfInfo(type, body)).toEqual(press); });
});
