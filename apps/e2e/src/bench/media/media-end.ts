import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom, silentLogger, systemClock } from '@dialfleet/kit';
import { type MediaSession, type RemoteMedia, RtpEngine, type SrtpParameters } from '@dialfleet/telephony';
import { serve } from '../helper-process.js';

export type MediaOrder =
  /** Opens sessions; answered with their ports. */
  | { order: 'open'; sessions: number }
  /** Each session talks to the far end's of the same place. */
  | { order: 'talk'; ports: readonly number[]; codec: RemoteMedia['codec']; srtp?: SrtpParameters }
  | { order: 'measure'; seconds: number }
  | { order: 'close' };

export interface MediaRun extends Record<string, number> { packets: number; disturbed: number; periodsSkipped: number; maxLagMs: number; cpuMs: number; elapsedMs: number }
export interface MediaAnswer { ports?: number[]; run?: MediaRun }

const SPEECH_S = 4;
const AMPLITUDE = 6000;
/** Noise that comes and goes like syllables: an encoder must work for it. */
const speech = ((): Int16Array => {
  const random = seededRandom(11);
  return Int16Array.from({ length: SPEECH_S * 8000 }, (_, i) => (random() - 0.5) * AMPLITUDE * (1 + Math.sin(i / 400)));
})();

/** One end of many calls: an RTP engine and nothing else. */
class MediaEnd {
  private engine = MediaEnd.newEngine();
  private sessions: MediaSession[] = [];

  async open(count: number): Promise<number[]> {
    for (let i = 0; i < count; i++) this.sessions.push(await this.engine.open());
    return this.sessions.map((session) => session.local.port);
  }

  talk(ports: readonly number[], codec: RemoteMedia['codec'], srtp: SrtpParameters | undefined): void {
    this.sessions.forEach((session, i) => {
      const say = (): void => { session.play('speech', speech); session.endOf('speech'); };
      session.events.on('played', say);
      session.setRemote({ address: '127.0.0.1', port: ports[i], direction: 'sendrecv', codec, ...(srtp ? { srtp } : {}) });
      say();
    });
  }

  async measure(seconds: number): Promise<MediaRun> {
    const before = await this.counts();
    const cpu = process.cpuUsage();
    const begun = performance.now();
    await delay(seconds * 1000);
    const { user, system } = process.cpuUsage(cpu);
    const elapsedMs = performance.now() - begun;
    const after = await this.counts();
    return {
      packets: after.packets - before.packets, disturbed: after.disturbed - before.disturbed, periodsSkipped: after.periodsSkipped - before.periodsSkipped,
      maxLagMs: after.maxLagMs, cpuMs: (user + system) / 1000, elapsedMs,
    };
  }

  async close(): Promise<void> {
    await this.engine.close();
    this.sessions = [];
    this.engine = MediaEnd.newEngine();
  }

  private async counts(): Promise<{ packets: number; disturbed: number; periodsSkipped: number; maxLagMs: number }> {
    const stats = await Promise.all(this.sessions.map((session) => session.stats()));
    const sum = (of: (one: (typeof stats)[number]) => number): number => stats.reduce((total, one) => total + of(one), 0);
    const { periodsSkipped, maxLagMs } = this.engine.pacing();
    return {
      packets: sum((one) => one.packetsSent + one.packetsReceived), disturbed: sum((one) => one.packetsLost + one.packetsLateOrDuplicate + (one.packetsUnauthentic ?? 0)),
      periodsSkipped, maxLagMs,
    };
  }

  private static newEngine(): RtpEngine { return new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger }); }
}

const end = new MediaEnd();
serve<MediaOrder, MediaAnswer>({}, async (order) => {
  switch (order.order) {
    case 'open': return { ports: await end.open(order.sessions) };
    case 'talk': end.talk(order.ports, order.codec, order.srtp); return {};
    case 'measure': return { run: await end.measure(order.seconds) };
    case 'close': await end.close(); return {};
  }
});
