import type { CallLeg, LegEvents, SipTransportName } from '@dialfleet/call';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { tonePurity } from '@dialfleet/media';
import { RtpEngine, SipEndpoint, type SipEndpointOptions } from '@dialfleet/telephony';

/** Our SIP and RTP, bound to loopback. */
export interface Caller { sip: SipEndpoint; media: RtpEngine; stop(): Promise<void> }

export async function startCaller(transport: SipTransportName = 'udp', codecs?: SipEndpointOptions['codecs']): Promise<Caller> {
  const media = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
  const sip = await SipEndpoint.start({ transport, bindAddress: '127.0.0.1', port: 0, userAgent: 'dialfleet-interop', media, logger: silentLogger, codecs });
  return { sip, media, stop: async () => { await sip.stop(); await media.close(); } };
}

/** Resolves with the first event of a kind. */
export const once = <K extends keyof LegEvents>(leg: CallLeg, event: K): Promise<LegEvents[K]> =>
  new Promise((resolve) => { const off = leg.events.on(event, (payload) => { off(); resolve(payload); }); });

const TONE_WINDOW_SAMPLES = 3_200;
const TONE_LIMIT_SAMPLES = 40_000;

/**
 * How pure a tone the far end sends: the best 400 ms of what is heard, as soon as they are above `wanted`, else of five
 * seconds. A busy machine may lose a packet; a far end that sends something else is never pure.
 */
export function hearTone(leg: CallLeg, frequencyHz: number, wanted: number): Promise<number> {
  const window = new Int16Array(TONE_WINDOW_SAMPLES);
  let samples = 0;
  let best = 0;
  return new Promise((resolve) => {
    const off = leg.events.on('audio', ({ pcm }) => {
      window.copyWithin(0, pcm.length);
      window.set(pcm, window.length - pcm.length);
      samples += pcm.length;
      if (samples >= window.length) best = Math.max(best, tonePurity(window, frequencyHz));
      if (best > wanted || samples >= TONE_LIMIT_SAMPLES) { off(); resolve(best); }
    });
  });
}

/** The best 400 ms of a recording. */
export function tonePurityAtBest(pcm: Int16Array, frequencyHz: number): number {
  let best = 0;
  for (let at = 0; at + TONE_WINDOW_SAMPLES <= pcm.length; at += 160) best = Math.max(best, tonePurity(pcm.subarray(at, at + TONE_WINDOW_SAMPLES), frequencyHz));
  return best;
}
