import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CallOutcome } from '@dialfleet/call';
import { climb } from '../ramp.js';
import { lineMatching, stopChild } from '../helper-process.js';
import { CORE_OF_OTHERS } from '../machine.js';
import { figure, type Row } from '../report.js';
import { percentile } from '../statistics.js';
import type { BenchContext, Undo } from '../undo.js';
import { buildVoipload, startVoipload } from '../voipload.js';
import { benchPlan, callbackBot, talkingBot } from './bench-bot.js';
import { reportWithin } from './calls.js';
import { PinnedWorker } from './pinned-worker.js';

const simulator = fileURLToPath(new URL('../../../../carrier-sim/dist/main.js', import.meta.url));
const CALLS_PER_SECOND = 4;
/** Calls held by voipload beside the conversations: the simulator does not measure lateness. */
const PROBES = 5;
const PROBE_WINDOW_S = 14;
const CONVERSATION_TIMEOUT_MS = 90_000;
const LATE_LIMIT_PERCENT = 1;
/** Past this a pause feels like a dead line. */
const TURN_P95_LIMIT_MS = 1500;
const HOW = 'the carrier simulator\'s customers talk (three turns a call); local VAD, recogniser and voice on the same core; pause from the customer\'s last sound to the bot\'s first';

interface ConversationRun extends Record<string, number> { turns: number; turnP50Ms: number; turnP95Ms: number; latePercent: number; cpuPercent: number; broken: number }

/** How many conversations with the embedded recogniser and voice one core holds at once. */
export async function benchConversation({ say, quick, undo }: BenchContext): Promise<Row[]> {
  const program = buildVoipload(undo);
  say('conversation: starting a worker on one core and a carrier with talking customers');
  const [worker, sipPort] = [await PinnedWorker.start(undo), await startSimulator(undo)];
  await converse(worker, sipPort, 1);
  const { best, tried } = await climb<ConversationRun>({
    steps: quick ? [5] : [5, 10, 15, 20, 25, 30], repeats: 1,
    run: async (calls) => {
      const run = await measureConversations(worker, program, sipPort, calls, undo);
      say(`conversation: ${calls} at once: ${describe(run)}, ${run.turns} turns, ${figure(run.cpuPercent)} % CPU${run.broken ? `, ${run.broken} conversations broken` : ''}`);
      return run;
    },
    holds: (run) => run.latePercent < LATE_LIMIT_PERCENT && run.turnP95Ms < TURN_P95_LIMIT_MS && run.broken === 0,
  });
  const result = best ? `${best.load} conversations: ${describe(best.run)}` : 'none held';
  return [{ what: 'Spoken conversations on one core, all speech local', result, beside: tried.filter((step) => step.load !== best?.load).map((step) => `${step.load}: ${describe(step.run)}`).join('; '), how: HOW }];
}

const describe = (run: ConversationRun): string => `pause p50 ${figure(run.turnP50Ms)} ms, p95 ${figure(run.turnP95Ms)} ms, ${figure(run.latePercent)} % late`;

async function measureConversations(worker: PinnedWorker, program: string, sipPort: number, calls: number, undo: Undo): Promise<ConversationRun> {
  const carrier = await startVoipload(program, ['-U', '-z', '-n', String(PROBES), '-w', '3', '-W', String(PROBE_WINDOW_S), '-S', String(worker.pid)], undo);
  await worker.place(PROBES, CALLS_PER_SECOND, () => benchPlan(talkingBot, carrier.sipPort, Date.now()));
  const [outcomes, report] = await Promise.all([converse(worker, sipPort, calls), reportWithin(carrier, (PROBE_WINDOW_S + 20) * 1000)]);
  await worker.idle();
  worker.takeRecordings(0);
  const pauses = outcomes.flatMap((outcome) => outcome.latency.flatMap((turn) => turn.totalMs ?? []));
  return {
    turns: pauses.length, turnP50Ms: percentile(pauses, 0.5), turnP95Ms: percentile(pauses, 0.95), latePercent: report.lost_or_late_percent, cpuPercent: report.peer_cpu_percent,
    broken: calls - outcomes.filter(isConversation).length + report.silent + PROBES - report.set_up,
  };
}

const isConversation = (outcome: CallOutcome): boolean =>
  outcome.disconnectedBy === 'bot' && outcome.transcript.filter((turn) => turn.speaker === 'customer').length >= 2;

async function converse(worker: PinnedWorker, sipPort: number, calls: number): Promise<CallOutcome[]> {
  const sessions = await worker.place(calls, CALLS_PER_SECOND, () => benchPlan(callbackBot, sipPort, Date.now()));
  return worker.outcomesOf(sessions, CONVERSATION_TIMEOUT_MS);
}

/** Resolves with its SIP port. */
async function startSimulator(undo: Undo): Promise<number> {
  const child = spawn('taskset', ['-c', String(CORE_OF_OTHERS), process.execPath, '--no-warnings', simulator, '--port', '0', '--persona', 'callback'], { stdio: ['ignore', 'pipe', 'inherit'] });
  undo.add(() => stopChild(child));
  return Number((await lineMatching(child, /^ready sip:127\.0\.0\.1:(\d+)/, 'the carrier simulator'))[1]);
}
