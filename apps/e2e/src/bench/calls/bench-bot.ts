import { appointmentOpening, appointmentReminder, botDefaults, EMBEDDED_PROVIDERS, type BotSettings } from '@dialfleet/bot';
import type { CallPlan } from '@dialfleet/call';
import { uuidV7 } from '@dialfleet/kit';

const choice = (provider: string) => ({ provider, options: {} });

const settings = (openingMessage: string, changes: Partial<BotSettings>): BotSettings => ({
  ...botDefaults, name: 'Bench bot', systemPrompt: '', openingMessage, timezone: 'UTC',
  llm: choice(EMBEDDED_PROVIDERS.llm), stt: choice(EMBEDDED_PROVIDERS.stt), tts: choice(EMBEDDED_PROVIDERS.tts), script: null, activeHours: null,
  voicemail: { action: 'continue', message: '' }, dtmf: { enabled: true }, prefetch: null, analysis: null, retentionDays: null, ...changes,
});

const SPEECH = 'This is a reminder of your appointment next Monday at ten in the morning. Please bring your insurance card, and come ten minutes early.';

/** Talks for as long as the customer is silent, with a breath between. */
export const talkingBot = settings(SPEECH, { silence: { enabled: true, promptAfterMs: 500, prompts: [SPEECH], hangUpAfterPrompts: 1000 } });

/** Holds the conversation that the carrier simulator's `callback` customer answers. */
export const callbackBot = settings(appointmentOpening, { script: appointmentReminder });

/** How long a worker that is short of time may take to read a claim. */
const CLAIM_LIFE_MS = 5000;

export function benchPlan(bot: BotSettings, sipPort: number, nowMs: number): CallPlan<BotSettings> {
  return {
    sessionId: uuidV7(nowMs), workspaceId: 'bench', botId: 'bench', botVersion: 1, bot, direction: 'outbound',
    trunk: { trunkId: 'bench', host: '127.0.0.1', port: sipPort, transport: 'udp', codecs: ['PCMU'] },
    toNumber: '+14155550123', fromNumber: '+14155550100', dialUser: '+14155550123', variables: { name: 'Maria', appointment: 'Monday at ten' }, ringTimeoutMs: 30_000, maxDurationMs: 300_000,
    record: true, acceptedAt: new Date(nowMs).toISOString(), claimDeadlineMs: nowMs + CLAIM_LIFE_MS,
  };
}
