import { climb } from '../ramp.js';
import { residentKb } from '../process-usage.js';
import { figure, type Row } from '../report.js';
import type { BenchContext } from '../undo.js';
import { buildVoipload, startVoipload, type RunningVoipload, type VoiploadReport } from '../voipload.js';
import { benchPlan, talkingBot } from './bench-bot.js';
import { PinnedWorker } from './pinned-worker.js';

const CALLS_PER_SECOND = 40;
const WARM_UP_S = 2;
/** A customer notices more than this share of packets that come too late to be played. */
const LATE_LIMIT_PERCENT = 1;
const WHAT = 'Recorded calls on one core';
const HOW = 'voipload answers on the other core and sends line noise; the bot talks; every call recorded in stereo; claims over NATS without a gateway';

interface CallsRun extends Record<string, number> { latePercent: number; missingCalls: number; cpuPercent: number; residentKb: number; delayP99Ms: number }

/** How many recorded calls one core carries, and what memory each takes. */
export async function benchCalls({ say, quick, undo }: BenchContext): Promise<Row[]> {
  const program = buildVoipload(undo);
  say('calls: starting a worker on one core');
  const worker = await PinnedWorker.start(undo);
  const windowS = quick ? 3 : 6;
  await measureCalls(worker, program, { calls: 10, windowS }, undo);
  const idleKb = residentKb(worker.pid);
  const { best, beyond, tried } = await climb<CallsRun>({
    steps: quick ? [25, 50] : [50, 100, 150, 200, 250, 300, 350, 400, 500], repeats: quick ? 1 : 3,
    run: async (calls) => {
      const run = await measureCalls(worker, program, { calls, windowS }, undo);
      say(`calls: ${calls} at once: ${run.latePercent.toFixed(2)} % late or lost, ${figure(run.cpuPercent)} % CPU, ${figure(run.residentKb / 1024)} MB${run.missingCalls ? `, ${run.missingCalls} missing` : ''}`);
      return run;
    },
    holds: (run) => run.latePercent < LATE_LIMIT_PERCENT && run.missingCalls === 0,
  });
  if (!best) return [{ what: WHAT, result: `fewer than ${tried[0].load}`, beside: `${tried[0].load} calls: ${figure(tried[0].run.latePercent)} % late`, how: HOW }];
  const { load, run } = best;
  const [lowest, highest] = [tried[0], tried.find((step) => step.load === load) ?? tried[0]];
  const kbPerCall = (highest.run.residentKb - lowest.run.residentKb) / (highest.load - lowest.load);
  return [
    { what: WHAT, result: `${load} calls, ${figure(run.latePercent)} % of packets over 20 ms late, p99 ${figure(run.delayP99Ms)} ms`,
      beside: `${figure(run.cpuPercent)} % of the core${beyond ? `; ${beyond.load} calls: ${figure(beyond.run.latePercent)} % late` : '; more were not tried'}`, how: HOW },
    { what: 'Memory of a recorded call', result: `${figure(kbPerCall)} kB`, beside: `${figure(highest.run.residentKb / 1024)} MB with ${load} calls; ${figure(idleKb / 1024)} MB idle, speech models loaded`,
      how: `growth of the resident set from ${lowest.load} to ${load} calls` },
  ];
}

async function measureCalls(worker: PinnedWorker, program: string, { calls, windowS }: { calls: number; windowS: number }, undo: BenchContext['undo']): Promise<CallsRun> {
  const carrier = await startVoipload(program, ['-U', '-z', '-n', String(calls), '-w', String(WARM_UP_S), '-W', String(windowS), '-S', String(worker.pid)], undo);
  await worker.place(calls, CALLS_PER_SECOND, () => benchPlan(talkingBot, carrier.sipPort, Date.now()));
  const report = await reportWithin(carrier, (WARM_UP_S + windowS + 15) * 1000);
  await worker.idle();
  const recorded = worker.takeRecordings(windowS);
  return {
    latePercent: report.lost_or_late_percent, missingCalls: calls - Math.min(recorded, report.set_up - report.silent), cpuPercent: report.peer_cpu_percent,
    residentKb: report.peer_rss_kb, delayP99Ms: report.delay_p99_ms,
  };
}

/** A carrier that still waits for calls then hangs up those it has. */
export async function reportWithin(carrier: RunningVoipload, timeoutMs: number): Promise<VoiploadReport> {
  const timer = setTimeout(() => { carrier.stop(); }, timeoutMs);
  try { return await carrier.report; } finally { clearTimeout(timer); }
}
