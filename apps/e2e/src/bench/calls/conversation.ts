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
/** Past this the bot is heard to think. */
const THINKING_P95_LIMIT_MS = 800;
/** A conversation that the recogniser led astray is no sign of load; several are. */
const BROKEN_LIMIT = 0.1;
const HOW = `the carrier simulator's customers talk (three turns a call); local VAD, recogniser and voice on the same core; holds while thinking p95 is under ${THINKING_P95_LIMIT_MS} ms; pause: from the customer's last sound to the bot's first; thinking: the pause without the wait for the end of the turn`;

interface ConversationRun extends Record<string, number> { turns: number; pauseP50Ms: number; pauseP95Ms: number; thinkingP50Ms: number; thinkingP95Ms: number; latePercent: number; cpuPercent: number; broken: number }

/** How many conversations with the embedded recogniser and voice one core holds at once. */
export async function benchConversation({ say, quick, undo }: BenchContext): Promise<Row[]> {
  const program = buildVoipload(undo);
  say('conversation: starting a worker on one core and a carrier with talking customers');
  const [worker, sipPort] = [await PinnedWorker.start(undo), await startSimulator(undo)];
  await converse(worker, sipPort, 1);
  const { best, tried } = await climb<ConversationRun>({
    steps: quick ? [5] : [10, 20, 30, 40], repeats: 1,
    run: async (calls) => {
      const run = await measureConversations(worker, program, sipPort, calls, undo);
      say(`conversation: ${calls} at once: ${describe(run)}, ${run.turns} turns, ${figure(run.cpuPercent)} % CPU${run.broken ? `, ${figure(run.broken * 100)} % broken` : ''}`);
      return run;
    },
    holds: (run) => run.latePercent < LATE_LIMIT_PERCENT && run.thinkingP95Ms < THINKING_P95_LIMIT_MS && run.broken < BROKEN_LIMIT,
  });
  const result = best ? `${best.load} conversations: ${describe(best.run)}` : 'none held';
  return [{ what: 'Spoken conversations on one core, all speech local', result, beside: tried.filter((step) => step.load !== best?.load).map((step) => `${step.load}: ${describe(step.run)}`).join('; '), how: HOW }];
}

const describe = (run: ConversationRun): string => 
  `pause p50 ${figure(run.pauseP50Ms)} ms, p95 ${figure(run.pauseP95Ms)} ms, of it thinking p50 ${figure(run.thinkingP50Ms)} ms, p95 ${figure(run.thinkingP95Ms)} ms; ${figure(run.latePercent)} % late`;

async function measureConversations(worker: PinnedWorker, program: string, sipPort: number, calls: number, undo: Undo): Promise<ConversationRun> {
  const carrier = await startVoipload(program, ['-U', '-z', '-n', String(PROBES), '-w', '3', '-W', String(PROBE_WINDOW_S), '-S', String(worker.pid)], undo);
  await worker.place(PROBES, CALLS_PER_SECOND, () => benchPlan(talkingBot, carrier.sipPort, Date.now()));
  const [outcomes, report] = await Promise.all([converse(worker, sipPort, calls), reportWithin(carrier, (PROBE_WINDOW_S + 20) * 1000)]);
  await worker.idle();
  worker.takeRecordings(0);
  const turns = outcomes.flatMap((outcome) => outcome.latency).filter((turn) => turn.totalMs !== null);
  const pauses = turns.map((turn) => turn.totalMs ?? 0);
  const thinking = turns.map((turn) => (turn.totalMs ?? 0) - (turn.endpointingMs ?? 0));
  return {
    turns: turns.length, pauseP50Ms: percentile(pauses, 0.5), pauseP95Ms: percentile(pauses, 0.95), thinkingP50Ms: percentile(thinking, 0.5), thinkingP95Ms: percentile(thinking, 0.95),
    latePercent: report.lost_or_late_percent, cpuPercent: report.peer_cpu_percent, broken: 1 - outcomes.filter(isConversation).length / calls,
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
