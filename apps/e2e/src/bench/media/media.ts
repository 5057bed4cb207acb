import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RemoteMedia, SrtpParameters } from '@dialfleet/telephony';
import { HelperProcess } from '../helper-process.js';
import { CORE_OF_OTHERS, CORE_UNDER_TEST } from '../machine.js';
import { climb } from '../ramp.js';
import { figure, type Row } from '../report.js';
import { medianRun } from '../statistics.js';
import type { BenchContext, Undo } from '../undo.js';
import type { MediaAnswer, MediaOrder, MediaRun } from './media-end.js';

interface Kind { name: string; codec: RemoteMedia['codec']; srtp: boolean }

const kinds: readonly Kind[] = [
  { name: 'PCMU', codec: { name: 'PCMU', payloadType: 0, clockRateHz: 8000 }, srtp: false },
  { name: 'PCMU over SRTP', codec: { name: 'PCMU', payloadType: 0, clockRateHz: 8000 }, srtp: true },
  { name: 'G.722', codec: { name: 'G722', payloadType: 9, clockRateHz: 8000 }, srtp: false },
  { name: 'Opus', codec: { name: 'opus', payloadType: 111, clockRateHz: 48_000 }, srtp: false },
];

/** Where the cost of a call is taken: enough that the wheel itself is a small part of it, and not too many for any kind. */
const LIGHT_CALLS = 100;
/** Of what the core would carry by that cost. */
const SHARES = [0.4, 0.55, 0.7, 0.85];
const SETTLE_MS = 1500;
const DISTURBED_LIMIT = 0.01;
const HOW = 'an RTP engine on each core, call for call with each other, both speaking; no recording, no speech processing; kinds measured in turns';

type Load = MediaRun & { cpuShare: number };

/** What a call costs the media thread by codec and protection, and how many one core holds. */
export async function benchMedia({ say, quick, undo }: BenchContext): Promise<Row[]> {
  const [under, other] = [await startEnd(CORE_UNDER_TEST, undo), await startEnd(CORE_OF_OTHERS, undo)];
  const seconds = quick ? 2 : 4;
  const run = async (kind: Kind, calls: number): Promise<Load> => {
    const load = await measure(under, other, kind, calls, seconds);
    say(`media: ${kind.name}, ${calls} calls: ${figure(100 * load.cpuShare)} % CPU, ${figure(costUs(load))} µs a packet, ${figure(100 * disturbedShare(load))} % of packets late or lost`);
    return load;
  };
  await run(kinds[0], LIGHT_CALLS);
  const light = new Map<Kind, Load[]>(kinds.map((kind) => [kind, []]));
  for (let turn = 0; turn < (quick ? 1 : 3); turn++) for (const kind of kinds) light.get(kind)?.push(await run(kind, LIGHT_CALLS));
  const costs = new Map(kinds.map((kind) => [kind, medianRun(light.get(kind) ?? [])]));
  const plainUs = costUs(costs.get(kinds[0]) as Load);
  const rows: Row[] = [];
  for (const kind of kinds) {
    const cost = costs.get(kind) as Load;
    const limit = LIGHT_CALLS / cost.cpuShare;
    const steps = (quick ? SHARES.slice(0, 1) : SHARES).map((share) => Math.round((share * limit) / 10) * 10);
    const { best, beyond } = await climb<Load>({ steps, repeats: 1, run: (calls) => run(kind, calls), holds: (load) => disturbedShare(load) < DISTURBED_LIMIT && load.periodsSkipped === 0 });
    rows.push({
      what: `Calls on one core, media alone, ${kind.name}`,
      result: best ? `${best.load} calls, ${figure(100 * best.run.cpuShare)} % of the core` : `fewer than ${steps[0]}`,
      beside: `${figure(costUs(cost))} µs CPU a packet with ${LIGHT_CALLS} calls, ${figure(costUs(cost) / plainUs)} of PCMU${beyond ? `; ${beyond.load} calls: ${figure(100 * disturbedShare(beyond.run))} % late or lost` : '; more was not tried'}`,
      how: HOW,
    });
  }
  return rows;
}

const costUs = (load: MediaRun): number => (1000 * load.cpuMs) / load.packets;
const disturbedShare = (load: MediaRun): number => load.disturbed / load.packets;

type End = HelperProcess<MediaOrder, MediaAnswer>;

async function startEnd(core: number, undo: Undo): Promise<End> {
  const { helper } = await HelperProcess.start<MediaOrder, MediaAnswer>('media/media-end.js', undo, { core });
  return helper;
}

async function measure(under: End, other: End, kind: Kind, calls: number, seconds: number): Promise<Load> {
  const [ours, theirs] = [await under.ask({ order: 'open', sessions: calls }), await other.ask({ order: 'open', sessions: calls })];
  const srtp = kind.srtp ? newKeys() : undefined;
  await under.ask({ order: 'talk', ports: theirs.ports ?? [], codec: kind.codec, ...(srtp ? { srtp } : {}) });
  await other.ask({ order: 'talk', ports: ours.ports ?? [], codec: kind.codec, ...(srtp ? { srtp: { ...srtp, sendKey: srtp.receiveKey, receiveKey: srtp.sendKey } } : {}) });
  await delay(SETTLE_MS);
  const { run } = await under.ask({ order: 'measure', seconds });
  await Promise.all([under.ask({ order: 'close' }), other.ask({ order: 'close' })]);
  if (!run) throw new Error('the media bench measured nothing');
  return { ...run, cpuShare: run.cpuMs / run.elapsedMs };
}

const newKeys = (): SrtpParameters => {
  const [sendKey, receiveKey] = [randomBytes(30).toString('base64'), randomBytes(30).toString('base64')];
  return { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey, receiveKey };
};
