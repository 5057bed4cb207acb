import { climb } from '../ramp.js';
import { HelperProcess } from '../helper-process.js';
import { CORE_UNDER_TEST } from '../machine.js';
import { figure, type Row } from '../report.js';
import type { BenchContext } from '../undo.js';
import { buildVoipload, startVoipload } from '../voipload.js';
import type { CallerMedia, SetupOrder, SetupRun } from './caller.js';

/** Well before an INVITE would be sent again (timer A, 500 ms). */
const P99_LIMIT_MS = 100;
/** Calls a second, two seconds each. */
const WARM_UP = [100, 400, 800];
const HOW = 'complete calls at a fixed rate over UDP (INVITE, 200, ACK, BYE, 200); timed from when a call was due; voipload answers on the other core';

/** How many calls a second the SIP stack sets up on one core: signalling alone, and with an RTP session opened for each. */
export async function benchSetups(context: BenchContext): Promise<Row[]> {
  const program = buildVoipload(context.undo);
  return [
    await setupRow(context, program, 'none', 'Call set-ups on one core, signalling alone'),
    await setupRow(context, program, 'rtp', 'Call set-ups on one core, RTP session each'),
  ];
}

async function setupRow({ say, quick, undo }: BenchContext, program: string, media: CallerMedia, what: string): Promise<Row> {
  const { helper: caller } = await HelperProcess.start<SetupOrder, SetupRun>('setups/caller.js', undo, { core: CORE_UNDER_TEST, args: [media] });
  const seconds = 2;
  const run = async (perSecond: number): Promise<SetupRun> => {
    const carrier = await startVoipload(program, ['-U', '-M', '-n', String(perSecond * seconds)], undo);
    const setups = await caller.ask({ port: carrier.sipPort, perSecond, seconds });
    carrier.stop();
    await carrier.report;
    return setups;
  };
  // Compiled code is what is measured: a process that has just started takes seconds to get there.
  for (const perSecond of quick ? [50] : WARM_UP) await run(perSecond);
  const { best, beyond, tried } = await climb<SetupRun>({
    steps: quick ? [100, 200] : [200, 400, 800, 1200, 1600, 2000], repeats: quick ? 1 : 3,
    run: async (perSecond) => {
      const setups = await run(perSecond);
      say(`setups (${media === 'rtp' ? 'RTP' : 'no media'}): ${perSecond}/s: p99 ${figure(setups.p99Ms)} ms, ${figure(setups.cpuPercent)} % CPU${setups.failed ? `, ${setups.failed} failed` : ''}`);
      return setups;
    },
    holds: (setups) => setups.failed === 0 && setups.p99Ms < P99_LIMIT_MS,
  });
  if (!best) return { what, result: `fewer than ${tried[0].load}/s`, beside: describe(tried[0]), how: HOW };
  return {
    what, result: `${figure(best.load)}/s, p50 ${figure(best.run.p50Ms)} ms, p99 ${figure(best.run.p99Ms)} ms`,
    beside: `${figure(best.run.cpuPercent)} % of the core${beyond ? `; ${describe(beyond)}` : '; more was not tried'}`, how: HOW,
  };
}

const describe = ({ load, run }: { load: number; run: SetupRun }): string =>
  `${figure(load)}/s: p99 ${figure(run.p99Ms)} ms${run.failed > 0 ? `, ${figure(run.failed)} of ${figure(run.calls)} not set up` : ''}`;
