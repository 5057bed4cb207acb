import { maskNumber } from '@dialfleet/kit';
import type { CarrierCall, CarrierEvents } from '../sim/carrier-call.js';

/** One readable line for each thing that happens, with the time of day and the dialled number in front. */
export type EventLines = { readonly [K in keyof CarrierEvents]: (payload: CarrierEvents[K]) => string };

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** @param verbose numbers in full */
export function eventLines(verbose: boolean): EventLines {
  const shown = (number: string): string => (number === '' ? 'anonymous' : verbose ? number : maskNumber(number));
  const line = (call: Pick<CarrierCall, 'to'>, text: string): string => `${shown(call.to)}  ${text}`;
  return {
    call: (call) => line(call, call.placed ? `${shown(call.from)} calls, persona ${call.persona}` : `called by ${shown(call.from)}, persona ${call.persona}`),
    ringing: ({ call, sipStatus }) => line(call, `on its way (${sipStatus})`),
    answered: (call) => line(call, `answered after ${seconds((call.answeredAtMs ?? 0) - call.invitedAtMs)}`),
    said: ({ call, line: { text } }) => line(call, `customer: ${text}`),
    heard: ({ call, speech }) => line(call, `bot spoke for ${seconds(speech.endedAtMs - speech.startedAtMs)}`),
    dtmf: ({ call, digit }) => line(call, `bot pressed ${digit}`),
    referred: ({ call, target }) => line(call, `bot hands the customer over to ${shown(target)}`),
    ended: (call) => line(call, endOf(call)),
    unauthorised: ({ from, to, verdict }) => line({ to }, `call from ${shown(from)} ${verdict === 'refused' ? 'refused: wrong credentials (403)' : 'asked for credentials (401)'}`),
  };
}

function endOf(call: CarrierCall): string {
  if (call.answeredAtMs === null) return unansweredEndOf(call);
  const duration = seconds((call.endedAtMs ?? call.answeredAtMs) - call.answeredAtMs);
  const who = call.endedBy === 'carrier' ? `ended (${call.endDetail ?? 'carrier'})` : `${call.endedBy} hung up`;
  const media = call.media ? `; RTP ${call.media.packetsReceived} in, ${call.media.packetsSent} out, ${call.media.packetsLost} lost` : '';
  const recording = call.recordingPath === null ? '' : `; ${call.recordingPath}`;
  return `${who} after ${duration}${media}${recording}`;
}

function unansweredEndOf({ endedBy, sipStatus, endDetail, placed }: CarrierCall): string {
  if (placed) return endedBy === 'customer' ? 'gave up before the answer' : `refused with ${sipStatus ?? 'no status'}${endDetail === null ? '' : ` (${endDetail})`}`;
  if (endedBy === 'bot') return 'caller gave up before the answer (487)';
  if (endedBy === 'customer') return `refused with ${sipStatus}`;
  return `ended with ${sipStatus ?? 'no status'}${endDetail === null ? '' : ` (${endDetail})`}`;
}

/** `12:03:11.204`, local time. */
export function timeOfDay(epochMs: number): string {
  const date = new Date(epochMs);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
