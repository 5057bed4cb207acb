import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { appointmentOpening, appointmentReminder } from '@dialfleet/bot';
import { CarrierSim } from '@dialfleet/carrier-sim';
import { SettingError } from '@dialfleet/kit';
import { Fleet } from '../fleet.js';
import { ApiClient } from './api-client.js';
import { lineFor } from './call-printer.js';
import { CrmReceiver, verifySignature } from './crm-receiver.js';

const CUSTOMER = '+14155550123';
const CALLER_ID = '+14155550100';
const CALL_TIMEOUT_MS = 120_000;
const PUSH_TIMEOUT_MS = 20_000;

/** The body that the demo's CRM wants, as its admin would configure it. */
const mapper = {
  lead_id: '{{crm.customer_id}}',
  'contact.name': '{{crm.name}}',
  'contact.callback_number': '{{analysis.callback_number}}',
  disposition: '{{analysis.disposition}}',
  callback_day: '{{analysis.callback_day}}',
  summary: '{{analysis.summary}}',
  duration: '{{result.call_duration_seconds}}',
  recording: '{{result.recording_url}}',
  source: 'dialfleet',
};

interface CallResult { transcript: { speaker: string; text: string }[]; latency: { total_ms: number | null }[]; answered_at: string | null; started_at: string; [field: string]: unknown }

/** `npm run demo`: one real call on this machine, from the CRM's request to the push it receives. Resolves with the exit code. */
export async function runDemo(args: string[]): Promise<number> {
  const options = readOptions(args);
  const begun = Date.now();
  const say = (text: string): void => { process.stderr.write(`[${((Date.now() - begun) / 1000).toFixed(1).padStart(5)}s] ${text}\n`); };
  const undo: (() => Promise<unknown>)[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'dialfleet-demo-'));
  const dataDir = join(folder, 'data');
  const recordingPath = join(folder, 'demo-call.wav');
  const tidy = (): void => { rmSync(existsSync(recordingPath) ? dataDir : folder, { recursive: true, force: true }); };
  const interrupted = new AbortController();
  // One Ctrl-C may reach us twice: from the terminal and from who started us.
  const stopOnSignal = (): void => {
    if (interrupted.signal.aborted) return;
    interrupted.abort(new Error('interrupted'));
    void stopAll(undo).then(() => { tidy(); process.exit(130); });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stopOnSignal);
  try {
    const { crm, fleet, carrier } = await startParties(dataDir, say, undo, interrupted.signal);
    const api = new ApiClient(fleet.runFile.url, fleet.runFile.admin_api_key ?? '');
    const report = await oneCall(api, crm, carrier, recordingPath, say);
    explain(report, fleet.runFile.url, dataDir, options.keep, say);
    if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    if (options.keep) await new Promise<never>(() => undefined);
    await stopAll(undo);
    tidy();
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    say(`the demo failed: ${error instanceof Error ? error.message : String(error)}`);
    say(`logs: ${join(dataDir, 'logs')}`);
    return 1;
  } finally {
    await stopAll(undo);
  }
}

function readOptions(args: string[]): { json: boolean; keep: boolean } {
  try {
    const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } } });
    return values;
  } catch (error) { throw new SettingError(`${error instanceof Error ? error.message : String(error)}\nusage: npm run demo [-- --json] [--keep]`); }
}

async function startParties(dataDir: string, say: (text: string) => void, undo: (() => Promise<unknown>)[], signal: AbortSignal) {
  const crm = await CrmReceiver.start();
  undo.push(() => crm.stop());
  say('starting a carrier with one customer, who will be busy and ask to be called another day');
  const carrier = await CarrierSim.start({ transport: 'udp', port: 0, personas: { default: 'callback' } });
  undo.push(() => carrier.stop());
  const starting = Fleet.start({ say, logToFiles: true, signal, env: {
    ...process.env, DIALFLEET_DATA_DIR: dataDir, DIALFLEET_PORT: '0', DIALFLEET_WORKERS: '1', DIALFLEET_SIP_PORT: '0',
    DIALFLEET_ADVERTISED_ADDRESS: '127.0.0.1', DIALFLEET_EGRESS_ALLOW: '127.0.0.1/32', DIALFLEET_DRAIN_TIMEOUT_SECONDS: '5',
    NATS_URL: process.env['NATS_URL'], DATABASE_URL: undefined, DIALFLEET_PUBLIC_URL: undefined, DIALFLEET_WORKER_ID: undefined,
  } });
  undo.push(async () => { await (await starting.catch(() => undefined))?.stop(); });
  return { crm, carrier, fleet: await starting };
}

interface DemoReport {
  result: CallResult;
  push: { headers: Record<string, unknown>; body: unknown };
  timings: { accept_ms: number; answered_ms: number; first_audio_ms: number | null; turn_latency_ms: number[] };
  recording_path: string;
}

async function oneCall(api: ApiClient, crm: CrmReceiver, carrier: CarrierSim, recordingPath: string, say: (text: string) => void): Promise<DemoReport> {
  const { botId, secret } = await configure(api, crm, carrier.port);
  const begun = performance.now();
  const { session_id: sessionId } = await api.post<{ session_id: string }>('/api/v1/dialout', {
    bot_id: botId, to_number: CUSTOMER, variables: { customer_id: 'C-1042', name: 'Maria', appointment: 'Monday at ten' },
  });
  const acceptMs = Math.round(performance.now() - begun);
  say(`POST /api/v1/dialout accepted in ${acceptMs} ms: session ${sessionId}`);
  const firstAudioMs = await follow(api, sessionId, say);
  const push = await crm.next('/leads', PUSH_TIMEOUT_MS);
  verifySignature(push, secret);
  say('the CRM received the push; its signature verifies');
  const result = await api.get<CallResult>(`/api/v1/calls/${sessionId}`);
  if (!result.transcript.some((turn) => turn.speaker === 'customer') || !result.transcript.some((turn) => turn.speaker === 'bot')) throw new Error('the push came without a conversation');
  writeFileSync(recordingPath, await api.bytes(`/api/v1/calls/${sessionId}/recording`));
  return {
    result, push: { headers: push.headers, body: JSON.parse(push.body) as unknown }, recording_path: recordingPath,
    timings: { accept_ms: acceptMs, answered_ms: Date.parse(result.answered_at ?? '') - Date.parse(result.started_at), first_audio_ms: firstAudioMs,
      turn_latency_ms: result.latency.flatMap((turn) => turn.total_ms ?? []) },
  };
}

async function configure(api: ApiClient, crm: CrmReceiver, carrierPort: number): Promise<{ botId: string; secret: string }> {
  const { trunk_id: trunkId } = await api.post<{ trunk_id: string }>('/api/v1/trunks', {
    name: 'Demo carrier', host: '127.0.0.1', port: carrierPort, transport: 'udp', default_from_number: CALLER_ID, numbers: [CALLER_ID], codecs: ['PCMU', 'PCMA'], dial_format: '{e164}',
  });
  const { bot_id: botId } = await api.post<{ bot_id: string }>('/api/v1/bots', {
    name: 'Appointment reminder', trunk_id: trunkId, opening_message: appointmentOpening, script: appointmentReminder,
  });
  const { secret } = await api.post<{ secret: string }>(`/api/v1/bots/${botId}/endpoints`, { kind: 'crm_push', url: `${crm.url}/leads`, mapper });
  return { botId, secret };
}

/** Prints the conversation as it happens; returns ms from answer to the bot's first word. */
async function follow(api: ApiClient, sessionId: string, say: (text: string) => void): Promise<number | null> {
  const timeout = setTimeout(() => { say('the call is taking too long; hanging up'); void api.post(`/api/v1/calls/${sessionId}/hangup`, {}).catch(() => undefined); }, CALL_TIMEOUT_MS);
  let firstAudioMs: number | null = null;
  try {
    for await (const event of api.events(sessionId)) {
      const line = lineFor(event);
      if (line) say(`  ${line}`);
      if (event.type === 'turn.bot' && firstAudioMs === null) firstAudioMs = Number(event.data['offset_ms'] ?? 0);
    }
  } finally { clearTimeout(timeout); }
  return firstAudioMs;
}

function explain(report: DemoReport, url: string, dataDir: string, keep: boolean, say: (text: string) => void): void {
  say(`what the CRM got: ${JSON.stringify(report.push.body, null, 2)}`);
  say(`recording (customer left, bot right): ${report.recording_path}`);
  if (keep) say(`still running: API ${url}, documentation ${url}/docs, key in ${join(dataDir, 'run.json')}; Ctrl-C stops it`);
  say('next: npm start, then README "Next steps": your own trunk or softphone, your own bot, your own CRM');
}

async function stopAll(undo: (() => Promise<unknown>)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step().catch(() => undefined);
}
