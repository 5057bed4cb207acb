import { callResult, type CallOutcome, type CallResult } from '@dialfleet/call';

/** A finished call as one would like it: previews and endpoint tests show it where no real call is named. */
export function sampleOutcome(ids: { sessionId?: string; workspaceId?: string; botId?: string; botVersion?: number } = {}): CallOutcome {
  return {
    sessionId: ids.sessionId ?? '01890a5d-ac96-774b-bcce-b302099a8057', workspaceId: ids.workspaceId ?? 'ws_sample',
    botId: ids.botId ?? 'bot_sample', botVersion: ids.botVersion ?? 1, workerId: 'w-sample', workerEpoch: 'sample', direction: 'outbound',
    callerId: '+14155550123', toNumber: '+14155550123', fromNumber: '+14155550100',
    variables: { customer_id: 'C-1001', name: 'Sam Sample' }, crm: { customer_id: 'C-1001', name: 'Sam Sample' },
    startedAt: '2026-01-05T10:00:00.000Z', answeredAt: '2026-01-05T10:00:06.200Z', endedAt: '2026-01-05T10:00:48.700Z',
    ringDurationSeconds: 6.2, callDurationSeconds: 42.5, disconnectedBy: 'bot', hangupReason: 'bot_hung_up', sipStatus: 200,
    transcript: [
      { speaker: 'bot', text: 'Hello, is this a good time?', timestamp: '2026-01-05T10:00:06.500Z', offsetMs: 300 },
      { speaker: 'customer', text: 'Please call me back tomorrow.', timestamp: '2026-01-05T10:00:10.100Z', offsetMs: 3900 },
    ],
    recording: { status: 'ready', key: null, durationSeconds: 42.5 },
    latency: [{ turn: 1, endpointingMs: 480, sttMs: 95, llmFirstTokenMs: 12, ttsFirstByteMs: 140, playoutMs: 20, totalMs: 747 }],
    usage: { stt_seconds: 11.2, tts_characters: 118 }, media: null, wasTransferred: false, transferredTo: null,
    notes: { slots: { callback_at: '2026-01-06' }, intents: ['callback'], disposition: 'callback_requested' }, warnings: [],
  };
}

export function sampleResult(outcome: CallOutcome = sampleOutcome()): CallResult {
  return callResult(outcome, {
    recordingUrl: 'https://voice.example.com/recordings/sample',
    analysis: { disposition: 'callback_requested', summary: 'The customer asked to be called back tomorrow.', slots: { callback_at: '2026-01-06' } },
    analysisStatus: 'ok', events: [],
  });
}
