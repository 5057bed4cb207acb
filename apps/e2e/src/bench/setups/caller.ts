import { setTimeout as delay } from 'node:timers/promises';
import { Emitter, silentLogger, systemClock } from '@dialfleet/kit';
import { MediaThread, SipEndpoint, type MediaEvents, type MediaFactory, type MediaSession } from '@dialfleet/telephony';
import { serve } from '../helper-process.js';
import { percentile } from '../statistics.js';

export type CallerMedia = 'none' | 'rtp';
export interface SetupOrder { port: number; perSecond: number; seconds: number }
export interface SetupRun extends Record<string, number> { calls: number; failed: number; p50Ms: number; p99Ms: number; cpuPercent: number }

/** No sockets: signalling alone is measured. */
const NO_STATS = { packetsSent: 0, packetsReceived: 0, packetsLost: 0, packetsLateOrDuplicate: 0, jitterMs: 0, packetsForeign: 0 };
const noMedia: MediaFactory = {
  open: () => Promise.resolve({
    local: { address: '127.0.0.1', port: 40_000 }, events: new Emitter<MediaEvents>(), setRemote: () => undefined, expectMedia: () => undefined,
    sendDtmf: () => Promise.resolve(), record: () => Promise.resolve(), stats: () => Promise.resolve(NO_STATS), close: () => Promise.resolve(NO_STATS),
    play: () => undefined, endOf: () => undefined, clear: () => Promise.resolve({}), pause: () => undefined, resume: () => undefined,
  } satisfies MediaSession),
};

const SETTLE_MS = 3000;

/** Calls at a fixed rate, whatever the answers do: INVITE, 200, ACK, BYE at once. A set-up counts from the moment it was due. */
async function callAtRate(endpoint: SipEndpoint, { port, perSecond, seconds }: SetupOrder): Promise<SetupRun> {
  const times: number[] = [];
  const calls = Math.round(perSecond * seconds);
  let closed = 0;
  const trunk = { host: '127.0.0.1', port, transport: 'udp' as const, codecs: ['PCMU' as const] };
  const callOnce = async (dueMs: number): Promise<void> => {
    const leg = endpoint.createCall({ trunk, dialUser: '+14155550123', fromNumber: '+14155550100' });
    leg.events.on('answered', () => { times.push(performance.now() - dueMs); leg.hangUp(); });
    leg.events.on('released', () => { closed++; void leg.close(); });
    leg.events.on('failed', () => { void leg.close(); });
    await leg.start();
  };
  const cpu = process.cpuUsage();
  const begun = performance.now();
  for (let i = 0; i < calls;) {
    const due = begun + (i * 1000) / perSecond;
    const now = performance.now();
    if (due > now) { await delay(Math.max(1, due - now)); continue; }
    void callOnce(due);
    i++;
    // Let answers in between calls that are overdue.
    if (i % 8 === 0) await new Promise((resolve) => { setImmediate(resolve); });
  }
  const elapsedMs = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  for (const deadline = performance.now() + SETTLE_MS; closed < calls && performance.now() < deadline;) await delay(20);
  return { calls, failed: calls - closed, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99), cpuPercent: (user + system) / 10 / elapsedMs };
}

const media = process.argv[2] as CallerMedia;
const common = { clock: systemClock, logger: silentLogger };
const factory = media === 'rtp' ? await MediaThread.start({ bindAddress: '127.0.0.1', advertisedAddress: '127.0.0.1', portRange: { min: 20_000, max: 49_999 }, ...common }) : noMedia;
const endpoint = await SipEndpoint.start({ transport: 'udp', bindAddress: '127.0.0.1', port: 0, advertisedAddress: '127.0.0.1', userAgent: 'Dialfleet-Bench', media: factory, ...common });
serve<SetupOrder, SetupRun>({ ready: true }, (order) => callAtRate(endpoint, order));
