import { afterAll, describe, expect, it } from '@jest/globals';
import { CODEC_NAMES, type CodecName } from '@dialfleet/call';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { rmsLevel, sineWave, tonePurity } from '@dialfleet/media';
import { audioCodecs } from '../codecs/audio-codecs.js';
import type { MediaSession, RemoteMedia } from '../media-session.js';
import { RtpEngine } from './rtp-engine.js';

const newEngine = (): RtpEngine => new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
const engines = [newEngine(), newEngine()];
afterAll(() => Promise.all(engines.map((engine) => engine.close())));

const remoteOf = ({ local }: MediaSession, name: CodecName, ptimeMs: number): RemoteMedia => {
  const { clockRateHz } = audioCodecs[name];
  return { ...local, direction: 'sendrecv', ptimeMs, codec: { name, payloadType: 97, clockRateHz, parameters: { useinbandfec: '1' } }, telephoneEvent: { payloadType: 101, clockRateHz } };
};

/** A tone and a digit one way: what is heard of both. */
async function transmit(name: CodecName, ptimeMs: number): Promise<{ heard: Int16Array; digits: string; packets: number; periods: number }> {
  const [from, to] = await Promise.all(engines.map((engine) => engine.open()));
  from.setRemote(remoteOf(to, name, ptimeMs));
  to.setRemote(remoteOf(from, name, ptimeMs));
  const frames: Int16Array[] = [];
  let digits = '';
  to.events.on('audio', ({ pcm }) => { frames.push(pcm); });
  to.events.on('dtmf', ({ digit }) => { digits += digit; });
  from.play('tone', sineWave({ frequencyHz: 1000, durationMs: 1000 }));
  from.endOf('tone');
  await new Promise<void>((resolve) => { from.events.on('played', () => resolve()); });
  const periods = frames.length;
  const { packetsReceived: packets } = await to.stats();
  await from.sendDtmf('7');
  await Promise.all([from.close(), to.close()]);
  return { heard: Int16Array.from(frames.flatMap((frame) => [...frame])), digits, packets, periods };
}

/** Signal against everything else in the best 300 ms, in dB: a machine that stalls makes gaps elsewhere. */
function bestSignalToNoiseDb(heard: Int16Array): number {
  let best = 0;
  for (let at = 0; at + 2400 <= heard.length; at += 400) {
    const piece = heard.subarray(at, at + 2400);
    if (rmsLevel(piece) > 3000) best = Math.max(best, tonePurity(piece, 1000));
  }
  return 10 * Math.log10(best / (1 - best));
}

describe('codecs over loopback', () => {
  it.each([10, 20, 60])('carry a tone and a digit in packets of %d ms', async (ptimeMs) => {
    const results = await Promise.all(CODEC_NAMES.map(async (name) => ({ name, ...await transmit(name, ptimeMs) })));
    for (const { name, heard, digits, packets, periods } of results) {
      expect([name, digits]).toEqual([name, '7']);
      expect(bestSignalToNoiseDb(heard)).toBeGreaterThan(15);
      // Both ends stall where they like.
      expect(packets).toBeLessThan(1.3 * ((periods * 20) / ptimeMs));
    }
  }, 20_000);
});
