import type { CallLeg, LegEvents } from '@dialfleet/call';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { RtpEngine, SipEndpoint } from '@dialfleet/telephony';

export const FRAME_SAMPLES = 160;

/** Our SIP and RTP, bound to loopback. */
export interface Caller { sip: SipEndpoint; media: RtpEngine; stop(): Promise<void> }

export async function startCaller(transport: 'udp' | 'tcp' = 'udp'): Promise<Caller> {
  const media = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
  const sip = await SipEndpoint.start({ transport, bindAddress: '127.0.0.1', port: 0, userAgent: 'dialfleet-interop', media, logger: silentLogger });
  return { sip, media, stop: async () => { await sip.stop(); await media.close(); } };
}

/** Resolves with the first event of a kind. */
export const once = <K extends keyof LegEvents>(leg: CallLeg, event: K): Promise<LegEvents[K]> =>
  new Promise((resolve) => { const off = leg.events.on(event, (payload) => { off(); resolve(payload); }); });

/** Hears `durationMs` of the far end. */
export function listen(leg: CallLeg, durationMs: number): Promise<Int16Array> {
  const heard = new Int16Array(durationMs * 8);
  let samples = 0;
  return new Promise((resolve) => {
    const off = leg.events.on('audio', ({ pcm }) => {
      heard.set(pcm.subarray(0, Math.min(pcm.length, heard.length - samples)), samples);
      samples += pcm.length;
      if (samples >= heard.length) { off(); resolve(heard); }
    });
  });
}
