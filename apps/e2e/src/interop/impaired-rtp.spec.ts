import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { createProviders, type Providers } from '@dialfleet/providers';
import { type MediaSession, type RemoteMedia, RtpEngine, type SrtpParameters } from '@dialfleet/telephony';
import { impairedRelay, type ImpairedRelay } from '../harness/impaired-relay.js';
import { wordErrors, wordsOf } from '../harness/word-errors.js';

/** What a mobile customer in a moving train has. */
const BAD_NETWORK = { lossRatio: 0.05, reorderRatio: 0.2, reorderMs: 40, duplicateRatio: 0.02, jitterMs: 8 };
const SENTENCES = [
  'I would like to move my appointment to next Tuesday at three in the afternoon.',
  'Please send the invoice to my office and not to my home address.',
  'My daughter has been ill since Monday, so we need to see the doctor again.',
  'Could you tell me how much the new contract costs each month?',
];
const forever = new AbortController().signal;

interface Line { us: MediaSession; them: MediaSession; relay: ImpairedRelay }

describe('audio over a bad network', () => {
  let engine: RtpEngine;
  let providers: Providers;
  const lines: Line[] = [];

  beforeAll(() => {
    engine = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
    providers = createProviders({ logger: silentLogger });
  });
  afterAll(async () => {
    for (const { relay } of lines) relay.close();
    await Promise.all([engine.close(), providers.close()]);
  });

  const remoteAt = (port: number, srtp: SrtpParameters | undefined): RemoteMedia => ({
    address: '127.0.0.1', port, direction: 'sendrecv', codec: { name: 'PCMU', payloadType: 0, clockRateHz: 8000 },
    telephoneEvent: { payloadType: 101, clockRateHz: 8000 }, ...(srtp ? { srtp } : {}),
  });

  async function openLine(seed: number, withSrtp: boolean): Promise<Line> {
    const [us, them, relay] = [await engine.open(), await engine.open(), await impairedRelay({ ...BAD_NETWORK, seed })];
    const [a, b] = [randomBytes(30).toString('base64'), randomBytes(30).toString('base64')];
    const suite = 'AES_CM_128_HMAC_SHA1_80';
    relay.connect({ a: us.local.port, b: them.local.port });
    us.setRemote(remoteAt(relay.portForA, withSrtp ? { suite, sendKey: a, receiveKey: b } : undefined));
    them.setRemote(remoteAt(relay.portForB, withSrtp ? { suite, sendKey: b, receiveKey: a } : undefined));
    const line = { us, them, relay };
    lines.push(line);
    return line;
  }

  async function voice(text: string): Promise<Int16Array> {
    const parts: number[] = [];
    const said = (async function* () { yield text; })();
    for await (const pcm of providers.tts({ provider: 'flite', options: {} }).speak(said, { voice: 'slt', language: 'en-US', sampleRateHz: 8000, signal: forever })) parts.push(...pcm);
    return Int16Array.from(parts);
  }

  async function transcribe(pcm: Int16Array): Promise<string> {
    const stt = providers.stt({ provider: 'local', options: {} }).open({ sampleRateHz: 8000, language: 'en-US', signal: forever });
    stt.push(pcm);
    stt.endOfTurn();
    let text = '';
    for await (const event of stt) if (event.type === 'final') { text = event.text; break; }
    await stt.close();
    return text;
  }

  /** What the other end hears from the first sample to half a second after the last. */
  function say({ us, them }: Line, pcm: Int16Array): Promise<Int16Array> {
    const heard: number[] = [];
    const off = them.events.on('audio', (frame) => { heard.push(...frame.pcm); });
    us.play('speech', pcm);
    us.endOf('speech');
    return new Promise((resolve) => {
      us.events.on('played', () => systemClock.after(500, () => { off(); resolve(Int16Array.from(heard)); }));
    });
  }

  it('is understood by the recogniser as well as over a good one, but for a few words', async () => {
    const spoken = await Promise.all(SENTENCES.map(voice));
    const heard = await Promise.all(spoken.map(async (pcm, i) => say(await openLine(i * 10 + 1, i % 2 === 1), pcm)));
    let [words, clear, impaired] = [0, 0, 0];
    for (const [i, sentence] of SENTENCES.entries()) {
      const said = wordsOf(sentence);
      words += said.length;
      clear += wordErrors(said, wordsOf(await transcribe(spoken[i])));
      impaired += wordErrors(said, wordsOf(await transcribe(heard[i])));
    }
    const counts = lines.map(({ relay }) => relay.counts);
    const [packets, lost] = [counts.reduce((sum, { packets: n }) => sum + n, 0), counts.reduce((sum, { lost: n }) => sum + n, 0)];
    // The network really was bad.
    expect(lost / packets).toBeGreaterThan(0.03);
    expect(clear / words).toBeLessThan(0.1);
    expect(impaired / words).toBeLessThan(0.25);
  }, 90_000);

  it('carries every digit once, plain and SRTP', async () => {
    const digits = await Promise.all([false, true].map(async (withSrtp) => {
      const line = await openLine(withSrtp ? 101 : 201, withSrtp);
      let heard = '';
      line.them.events.on('dtmf', ({ digit }) => { heard += digit; });
      await line.us.sendDtmf('1123456789*0#');
      await new Promise<void>((resolve) => { systemClock.after(300, resolve); });
      return heard;
    }));
    expect(digits).toEqual(['1123456789*0#', '1123456789*0#']);
  }, 30_000);
});
