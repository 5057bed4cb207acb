import type { CallOutcome, LegMediaStats } from '@dialfleet/call';

/** A second of audio: less says nothing about quality. */
const ENOUGH_PACKETS = 50;
/** Under this most listeners are dissatisfied (ITU-T G.107 Annex B). */
const POOR_MOS = 3;
const POOR_LOSS = 0.05;

/** What is wrong with how a call sounded, in plain words. */
export function qualityWarnings(stats: LegMediaStats): string[] {
  const warnings: string[] = [];
  const expected = stats.packetsReceived - stats.packetsLateOrDuplicate + stats.packetsLost;
  const loss = expected > 0 ? stats.packetsLost / expected : 0;
  if (expected >= ENOUGH_PACKETS && (loss > POOR_LOSS || (stats.mos ?? POOR_MOS) < POOR_MOS)) {
    warnings.push(`poor audio from the far end: ${percent(loss)} of packets lost, jitter ${Math.round(stats.jitterMs)} ms${stats.mos ? `, MOS ${rounded(stats.mos)}` : ''}`);
  }
  const remoteLoss = (stats.remotePacketsLost ?? 0) / Math.max(1, stats.packetsSent);
  if (stats.packetsSent >= ENOUGH_PACKETS && remoteLoss > POOR_LOSS) warnings.push(`the far end heard us poorly: ${percent(remoteLoss)} of our packets lost, by its own count`);
  return warnings;
}

/** As the result shows it. What the far end does not report is null. */
export const mediaOnWire = (stats: LegMediaStats): NonNullable<CallOutcome['media']> => ({
  packets_sent: stats.packetsSent, packets_received: stats.packetsReceived, packets_lost: stats.packetsLost,
  packets_late_or_duplicate: stats.packetsLateOrDuplicate, jitter_ms: rounded(stats.jitterMs), packets_foreign: stats.packetsForeign,
  packets_unauthentic: stats.packetsUnauthentic ?? 0, round_trip_ms: roundedOrNull(stats.roundTripMs), remote_packets_lost: stats.remotePacketsLost ?? null,
  remote_jitter_ms: roundedOrNull(stats.remoteJitterMs), mos: stats.mos ? Math.round(stats.mos * 100) / 100 : null, codec: stats.codec ?? null, srtp: stats.srtp ?? false,
});

const rounded = (value: number): number => Math.round(value * 10) / 10;
const roundedOrNull = (value: number | null | undefined): number | null => (value === null || value === undefined ? null : rounded(value));
const percent = (share: number): string => `${rounded(100 * share)} %`;
