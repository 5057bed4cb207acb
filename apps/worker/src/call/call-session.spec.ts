import { botDefaults, defaultScript, type BotSettings } from '@dialfleet/bot';
import type { CallEvent, CallLeg, CallOutcome, CallPlan, CallTimelineEvent, LegEvents, LegMediaStats, TransferOutcome } from '@dialfleet/call';
import type { LlmVendor, SttVendor, TtsVendor, VadVendor } from '@dialfleet/conversation';
import { Emitter, silentLogger, VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CallSession, type SessionTools } from './call-session.js';
import { CallTimeline } from './call-timeline.js';
import { CrmPrefetch, type HttpSend } from './crm-prefetch.js';
import type { ConversationSummary, PipelineSetup } from './pipeline.js';
import type { RecordingShelf } from './recording-shelf.js';

const bot: BotSettings = {
  ...botDefaults, name: 'b', systemPrompt: '', openingMessage: 'Hello {{crm.name}}', timezone: 'UTC', script: defaultScript, activeHours: null,
  llm: { provider: 'script', options: {} }, stt: { provider: 'local', options: {} }, tts: { provider: 'flite', options: {} },
  dtmf: { enabled: true }, prefetch: null, analysis: null, retentionDays: null,
};
const plan: CallPlan<BotSettings> = {
  sessionId: '01900000-0000-7000-8000-000000000001', workspaceId: 'ws', botId: 'bot_1', botVersion: 3, bot, direction: 'outbound',
  trunk: { trunkId: 't', host: '127.0.0.1', port: 5060, transport: 'udp', codecs: ['PCMU'] }, toNumber: '+14155550123', fromNumber: '+14155550100',
  dialUser: '+14155550123', variables: { name: 'Ann' }, ringTimeoutMs: 45_000, maxDurationMs: 600_000, record: true,
  acceptedAt: '2026-01-05T10:00:00.000Z', claimDeadlineMs: 0,
};
const summary: ConversationSummary = { transcript: [{ speaker: 'bot', text: 'Hello Ann', timestamp: '', offsetMs: 0 }], latency: [], notes: { slots: {}, intents: [] }, usage: {}, warnings: [] };
const stats: LegMediaStats = { packetsSent: 1, packetsReceived: 1, packetsLost: 0, packetsLateOrDuplicate: 0, jitterMs: 0, packetsForeign: 0 };

/** A call whose leg, voice and brain are in the test's hands. */
function call(over: { onEvent?: (event: CallTimelineEvent) => void; plan?: Partial<CallPlan<BotSettings>>; createLeg?: () => Promise<CallLeg>; send?: HttpSend; record?: () => Promise<void> } = {}) {
  const clock = new VirtualClock();
  const events = new Emitter<LegEvents>();
  const said: string[] = [];
  let closing = (): void => undefined;
  const leg = {
    events, hangUp: () => { said.push('hangUp'); }, start: () => { said.push('start'); return Promise.resolve(); },
    ring: () => { said.push('ring'); }, record: () => { said.push('record'); return over.record?.() ?? Promise.resolve(); }, close: () => { said.push('close'); closing(); return Promise.resolve(stats); },
    sendDtmf: () => Promise.resolve(), audioOut: { play: () => undefined, endOf: () => undefined, clear: () => Promise.resolve({}), pause: () => undefined, resume: () => undefined },
  } as unknown as CallLeg;
  const seconds: CallPlan[] = [];
  const secondEvents = new Emitter<LegEvents>();
  const secondLeg = { ...leg, events: secondEvents, start: () => Promise.resolve(), hangUp: () => { said.push('hang up second'); }, close: () => Promise.resolve(stats) } as unknown as CallLeg;
  const outcomes: CallOutcome[] = [];
  const timeline: string[] = [];
  const told: CallTimelineEvent[] = [];
  let setup: PipelineSetup | undefined;
  const tools: SessionTools = {
    worker: { workerId: 'w', epoch: 'e' }, createLeg: over.createLeg ?? (() => Promise.resolve(leg)), createSecondLeg: (second) => { seconds.push(second); return Promise.resolve(secondLeg); },
    converse: (given) => { setup = given; return { start: () => { said.push('converse'); }, hold: () => { said.push('hold'); }, resume: () => { said.push('resume'); }, stop: () => { said.push('silence'); return Promise.resolve(summary); } }; },
    stt: {} as SttVendor, vad: {} as VadVendor, tts: { caps: { textStreaming: false, sampleRatesHz: [8000], voices: [] }, async *speak() { yield new Int16Array(160); } } as TtsVendor,
    llm: { converse: () => ({ notes: () => ({ slots: {}, intents: [] }) }), extract: () => Promise.resolve({}) } as unknown as LlmVendor,
    prefetch: new CrmPrefetch(over.send ?? (() => Promise.reject(new Error('none'))), clock),
    timeline: new CallTimeline(plan, { workerId: 'w', epoch: 'e' }, (event) => { timeline.push(event.type); told.push(event); over.onEvent?.(event); return Promise.resolve(); }, clock, silentLogger),
    recordings: { prepare: () => Promise.resolve('/tmp/x.wav'), finish: (_id: string, expected: boolean, endedEarly: boolean) => Promise.resolve(expected ? { status: endedEarly ? 'partial' : 'ready', key: 'k', durationSeconds: 1 } : { status: 'none', key: null, durationSeconds: null }) } as unknown as RecordingShelf,
    keepOutcome: (outcome) => { outcomes.push(outcome); return Promise.resolve(); }, clock, logger: silentLogger,
  };
  const session = new CallSession({ ...plan, ...over.plan }, tools);
  const settle = (ms = 50): Promise<void> => clock.advanceAsync(ms);
  const data = (type: string): Record<string, unknown> | undefined => told.find((event) => event.type === type)?.data;
  return { data, session, clock, events, leg, seconds, secondEvents, said, outcomes, timeline, settle, setup: () => setup as PipelineSetup, onClose: (act: () => void) => { closing = act; }, end: (event: CallEvent) => { setup?.onEnd(event); } };
}

describe('a call that comes in', () => {
  const inbound = { direction: 'inbound' as const, toNumber: '+14155550100', fromNumber: '+14155550177', dialUser: '' };

  it('rings at once, is answered when the greeting is ready, and talks to a person', async () => {
    const c = call({ plan: inbound });
    await c.settle();
    expect(c.said).toEqual(['ring', 'start']);
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle(500);
    expect([c.setup().mayBeMachine, c.setup().openingText]).toEqual([false, 'Hello Ann']);
    c.end({ type: 'humanDetected' });
    c.events.emit('hungUp', {});
    await c.settle();
    await c.session.done;
    expect(c.outcomes[0]).toMatchObject({ direction: 'inbound', callerId: '+14155550177', fromNumber: '+14155550177', toNumber: '+14155550100', disconnectedBy: 'customer', sipStatus: 200 });
    expect(c.timeline).toEqual(['call.offered', 'call.ringing', 'greeting.ready', 'call.answered', 'call.talking', 'call.ending', 'recording.finished', 'call.ended']);
  });

  it('is answered anyhow when the CRM takes its time', async () => {
    const prefetch = { url: 'https://crm.example', method: 'POST' as const, headers: {}, timeoutMs: 10_000 };
    const c = call({ plan: { ...inbound, bot: { ...bot, prefetch } }, send: () => new Promise(() => undefined) });
    await c.settle(2400);
    expect(c.said).toEqual(['ring']);
    await c.settle(200);
    expect(c.said).toEqual(['ring', 'start']);
  });

  it('whose caller gives up while it rings ends with a result of no length, and nothing is answered', async () => {
    const c = call({ plan: inbound, send: () => new Promise(() => undefined) });
    c.session.callerLeft();
    await c.settle();
    await c.session.done;
    expect(c.outcomes).toHaveLength(1);
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'customer', hangupReason: 'customer_hung_up', sipStatus: 487, answeredAt: null, callDurationSeconds: 0, recording: { status: 'none' } });
    expect(c.said).toEqual([]);
  });

  it('is cancelled by its caller before the greeting is ready', async () => {
    const prefetch = { url: 'https://crm.example', method: 'POST' as const, headers: {}, timeoutMs: 10_000 };
    const c = call({ plan: { ...inbound, bot: { ...bot, prefetch } }, send: () => new Promise(() => undefined) });
    await c.settle(1000);
    c.events.emit('hungUp', { sipReason: 'CANCEL' });
    await c.settle(5000);
    expect(c.said).toEqual(['ring', 'close']);
    expect(c.outcomes).toEqual([expect.objectContaining({ disconnectedBy: 'customer', sipStatus: 487, ringDurationSeconds: 1 })]);
  });

  it('is turned away by a hang-up over the API while it rings', async () => {
    const c = call({ plan: inbound });
    await c.settle();
    c.session.hangUp('requested');
    c.events.emit('released', { sipStatus: 480 });
    await c.settle();
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'bot', hangupReason: 'hangup_requested', sipStatus: 480 });
  });

  it('with an offer that cannot be met ends as an error', async () => {
    const c = call({ plan: inbound });
    await c.settle();
    c.events.emit('failed', { sipStatus: 488, reason: 'no common codec' });
    await c.settle();
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'error', hangupReason: 'trunk_failed', sipStatus: 488 });
  });

  it('outside the hours hears the announcement and no more', async () => {
    const c = call({ plan: { ...inbound, announcement: 'We are closed, {{crm.name}}.' } });
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle(100);
    expect(c.setup()).toMatchObject({ openingText: 'We are closed, Ann.', settings: { interruption: { openingMessage: false } } });
    expect(c.setup().brain.opening()).toEqual({ hints: [], endCall: true });
    c.end({ type: 'humanDetected' });
    c.end({ type: 'botHangUp' });
    c.events.emit('released', { sipStatus: 200 });
    await c.settle();
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'bot', hangupReason: 'outside_hours' });
  });
});

describe('a transfer', () => {
  const talking = async (over: Parameters<typeof call>[0] = {}) => {
    const c = call(over);
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle();
    c.end({ type: 'humanDetected' });
    return c;
  };
  const ended = async (c: Awaited<ReturnType<typeof talking>>) => {
    c.events.emit('released', { sipStatus: 200 });
    await c.settle();
    await c.session.done;
    return c.outcomes[0];
  };

  it('by REFER ends the call for us', async () => {
    const c = await talking();
    let refer: (outcome: TransferOutcome) => void = () => undefined;
    c.leg.transfer = (target) => { c.said.push(`refer ${target}`); return new Promise((resolve) => { refer = resolve; }); };
    expect(c.session.transfer('+1 415 555 0199')).toEqual({ ok: true });
    expect(c.session.transfer('+14155550198')).toEqual({ ok: false, reason: 'not_in_conversation' });
    expect(c.said.slice(-2)).toEqual(['hold', 'refer +14155550199']);
    await c.settle(5000);
    c.events.emit('hungUp', {});
    await c.settle();
    expect(c.outcomes).toEqual([]);
    refer({ ok: true });
    await c.settle();
    expect(await ended(c)).toMatchObject({ disconnectedBy: 'bot', hangupReason: 'transferred', wasTransferred: true, transferredTo: '+14155550199' });
    expect(c.timeline).toEqual(expect.arrayContaining(['transfer.started', 'transfer.finished']));
  });

  it('by a bridge keeps the call up until one of them hangs up, past its maximum duration', async () => {
    const c = await talking({ plan: { maxDurationMs: 60_000 } });
    c.leg.transfer = () => Promise.resolve({ ok: false, sipStatus: 405, reason: 'no' });
    c.session.transfer('+14155550199');
    await c.settle();
    expect(c.seconds).toMatchObject([{ toNumber: '+14155550199', dialUser: '+14155550199', fromNumber: '+14155550100' }]);
    c.secondEvents.emit('provisional', { sipStatus: 180, earlyMedia: false });
    c.secondEvents.emit('answered', { sipStatus: 200 });
    await c.settle(100_000);
    expect([c.outcomes, c.said.includes('silence')]).toEqual([[], true]);
    c.secondEvents.emit('hungUp', {});
    await c.settle();
    expect(await ended(c)).toMatchObject({ disconnectedBy: 'bot', hangupReason: 'transferred', transferredTo: '+14155550199' });
    expect(c.outcomes[0].callDurationSeconds).toBeGreaterThan(100);
    expect(c.timeline.filter((type) => type.startsWith('transfer.'))).toEqual(['transfer.started', 'transfer.progress', 'transfer.progress', 'transfer.bridged', 'transfer.finished']);
  });

  it('of a caller shows the number that was called', async () => {
    const c = await talking({ plan: { direction: 'inbound', toNumber: '+14155550100', fromNumber: '+14155550177', dialUser: '', trunk: { ...plan.trunk, allowRefer: true } } });
    c.session.transfer('+14155550199');
    await c.settle();
    expect(c.seconds).toMatchObject([{ direction: 'outbound', fromNumber: '+14155550100', toNumber: '+14155550199', trunk: { allowRefer: false } }]);
    c.secondEvents.emit('answered', { sipStatus: 200 });
    c.events.emit('hungUp', {});
    expect(await ended(c)).toMatchObject({ direction: 'inbound', disconnectedBy: 'bot', hangupReason: 'transferred', transferredTo: '+14155550199' });
  });

  it('ends a bridge of four hours', async () => {
    const c = await talking();
    c.session.transfer('+14155550199');
    await c.settle();
    c.secondEvents.emit('answered', { sipStatus: 200 });
    await c.clock.advanceAsync(4 * 3_600_000 + 100, 60_000);
    expect(c.said.slice(-2)).toEqual(['hang up second', 'hangUp']);
    expect(await ended(c)).toMatchObject({ disconnectedBy: 'timeout', transferredTo: '+14155550199' });
  });

  it('that reaches nobody gives the customer back to the bot', async () => {
    const c = await talking();
    c.session.transfer('+14155550199');
    await c.settle();
    c.secondEvents.emit('failed', { sipStatus: 486, reason: 'Busy Here' });
    await c.settle();
    expect(c.said.at(-1)).toBe('resume');
    c.end({ type: 'botHangUp' });
    expect(await ended(c)).toMatchObject({ disconnectedBy: 'bot', hangupReason: 'bot_hung_up', wasTransferred: false, transferredTo: null });
  });

  it('is over when the customer does not wait', async () => {
    const c = await talking();
    c.session.transfer('+14155550199');
    await c.settle();
    c.events.emit('hungUp', {});
    await c.settle();
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'customer', wasTransferred: false });
    expect(c.said).toContain('hang up second');
  });

  it('goes where the trunk may call, from a conversation only', async () => {
    const trunk = { ...plan.trunk, dialling: { format: '9{national}', allowedPrefixes: ['+1'] } };
    const c = call({ plan: { trunk } });
    expect(c.session.transfer('+14155550199')).toEqual({ ok: false, reason: 'not_in_conversation' });
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle();
    expect(c.session.transfer('+49301234567')).toEqual({ ok: false, reason: 'destination_blocked' });
    expect(c.session.transfer('sip:x@y')).toEqual({ ok: false, reason: 'invalid' });
    const told: number[] = [];
    c.events.emit('referred', { target: '+49301234567', report: (status) => told.push(status) });
    c.events.emit('referred', { target: '+14155550199', report: (status) => told.push(status) });
    await c.settle();
    c.secondEvents.emit('provisional', { sipStatus: 180, earlyMedia: false });
    c.secondEvents.emit('answered', { sipStatus: 200 });
    expect([told, c.seconds[0].dialUser]).toEqual([[603, 180, 200], '94155550199']);
    c.session.hangUp('requested');
    expect(await ended(c)).toMatchObject({ hangupReason: 'hangup_requested', transferredTo: '+14155550199' });
  });
});

describe('one call', () => {
  it('rings, is answered, talks and ends with its outcome', async () => {
    const c = call();
    await c.settle();
    c.events.emit('provisional', { sipStatus: 180, earlyMedia: false });
    await c.settle(3000);
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle(1000);
    expect(c.setup().openingText).toBe('Hello Ann');
    c.end({ type: 'humanDetected' });
    await c.settle(9000);
    c.end({ type: 'botHangUp' });
    c.events.emit('released', { sipStatus: 200 });
    await c.settle();
    await c.session.done;
    expect(c.outcomes).toHaveLength(1);
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'bot', hangupReason: 'bot_hung_up', sipStatus: 200, callDurationSeconds: 10, ringDurationSeconds: 3.05,
      transcript: [{ text: 'Hello Ann' }], recording: { status: 'ready', key: 'k' }, botVersion: 3, workerEpoch: 'e' });
    expect(c.said).toEqual(['start', 'record', 'converse', 'silence', 'hangUp', 'close']);
    expect(c.timeline).toEqual(['call.dialling', 'greeting.ready', 'call.ringing', 'call.answered', 'call.talking', 'call.ending', 'recording.finished', 'call.ended']);
  });

  it('tells the SIP messages of the call on its timeline, in words of the wire', async () => {
    const told: unknown[] = [];
    const c = call({ onEvent: (event) => { if (event.type === 'sip.ladder') told.push(event.data); } });
    await c.settle();
    c.events.emit('ladder', { messages: [{ at: 't', direction: 'sent', transport: 'UDP', peer: '192.0.2.1:5060', startLine: 'INVITE sip:b SIP/2.0', headers: 'Via: x', sdp: 'v=0', repeated: 2 }] });
    c.events.emit('failed', { sipStatus: 486, reason: 'Busy Here' });
    await c.settle();
    expect(told).toEqual([{ messages: [{ at: 't', direction: 'sent', transport: 'UDP', peer: '192.0.2.1:5060', start_line: 'INVITE sip:b SIP/2.0', headers: 'Via: x', sdp: 'v=0', repeated: 2 }] }]);
    expect(c.timeline.indexOf('sip.ladder')).toBeLessThan(c.timeline.indexOf('call.ended'));
    c.events.emit('ladder', { messages: [{ at: 't', direction: 'received', transport: 'UDP', peer: '192.0.2.1:5060', startLine: 'SIP/2.0 487 Late', headers: 'Via: x' }] });
    await c.settle();
    expect(c.timeline.at(-1)).toBe('call.ended');
  });

  it('records from early media on without a break, and hears nothing of it', async () => {
    const c = call();
    await c.settle();
    c.events.emit('provisional', { sipStatus: 180, earlyMedia: false });
    await c.settle(1000);
    expect(c.said).toEqual(['start']);
    c.events.emit('provisional', { sipStatus: 183, earlyMedia: true });
    c.events.emit('provisional', { sipStatus: 183, earlyMedia: true });
    c.events.emit('audio', { pcm: new Int16Array(160).fill(3), offsetMs: 0 });
    await c.settle(4000);
    expect([c.said, c.setup()]).toEqual([['start', 'record'], undefined]);
    c.events.emit('answered', { sipStatus: 200 });
    const heard: number[] = [];
    c.events.on('audio', ({ pcm }) => heard.push(pcm[0]));
    await c.settle(2000);
    expect([c.said, heard]).toEqual([['start', 'record', 'converse'], []]);
    c.end({ type: 'botHangUp' });
    c.events.emit('released', { sipStatus: 200 });
    await c.settle();
    expect(c.outcomes[0]).toMatchObject({ callDurationSeconds: 2, ringDurationSeconds: 5.05, recording: { status: 'ready' } });
    expect(c.data('recording.finished')).toMatchObject({ answered_at_seconds: expect.closeTo(4, 1) });
    expect(c.timeline.slice(0, 5)).toEqual(['call.dialling', 'greeting.ready', 'call.ringing', 'call.early_media', 'call.answered']);
  });

  it('keeps what an announcement said before a refusal, which is no answer', async () => {
    const c = call();
    await c.settle();
    c.events.emit('provisional', { sipStatus: 183, earlyMedia: true });
    await c.settle(3000);
    c.events.emit('failed', { sipStatus: 404, reason: 'Not Found' });
    await c.settle();
    expect(c.outcomes[0]).toMatchObject({ answeredAt: null, callDurationSeconds: 0, hangupReason: 'invalid_number', transcript: [], recording: { status: 'ready', key: 'k' } });
    expect(c.data('recording.finished')).toMatchObject({ answered_at_seconds: null });
    expect(c.said).not.toContain('converse');
  });

  it('records no early media where the bot records nothing', async () => {
    const c = call({ plan: { record: false } });
    await c.settle();
    c.events.emit('provisional', { sipStatus: 183, earlyMedia: true });
    await c.settle(1000);
    expect(c.said).toEqual(['start']);
  });

  it('cancels when nobody answers, and reports it even if the far end never confirms', async () => {
    const c = call();
    await c.settle(45_100);
    expect(c.said).toEqual(['start', 'hangUp']);
    expect(c.outcomes).toEqual([]);
    await c.settle(5100);
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'RNR', hangupReason: 'no_answer', answeredAt: null, callDurationSeconds: 0, recording: { status: 'none' } });
  });

  it('keeps the first cause when a 200 crosses the CANCEL', async () => {
    const c = call();
    await c.settle(45_100);
    c.events.emit('answered', { sipStatus: 200 });
    expect(c.said).toEqual(['start', 'hangUp', 'hangUp']);
    c.events.emit('released', { sipStatus: 200 });
    await c.settle();
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'RNR', hangupReason: 'no_answer', transcript: [] });
  });

  it('gives a call that could not be placed a result', async () => {
    const c = call({ createLeg: () => Promise.reject(new Error('sip.invalid does not resolve')) });
    await c.settle();
    await c.session.done;
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'error', hangupReason: 'trunk_failed' });
  });

  it('ends at its maximum duration', async () => {
    const c = call({ plan: { maxDurationMs: 20_000 } });
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle(20_100);
    c.events.emit('released', { sipStatus: 200 });
    await c.settle();
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'timeout', hangupReason: 'max_duration', callDurationSeconds: 20 });
  });

  it('says whose hang-up it was when a drain runs out of time', async () => {
    const c = call();
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle();
    c.session.hangUp('draining');
    c.events.emit('released', { sipStatus: 200 });
    await c.settle();
    expect(c.outcomes[0]).toMatchObject({ disconnectedBy: 'bot', hangupReason: 'draining' });
  });

  it('waits for CRM data before the greeting, and hands over what the customer said meanwhile', async () => {
    let reply: (r: { status: number; body: string }) => void = () => undefined;
    const c = call({ plan: { bot: { ...bot, prefetch: { url: 'https://crm.example/{{crm.name}}', method: 'POST', headers: {}, timeoutMs: 3000 } } },
      send: () => new Promise((resolve) => { reply = resolve; }) });
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle();
    expect(c.said).not.toContain('converse');
    const heard: number[] = [];
    c.events.emit('audio', { pcm: new Int16Array(160).fill(7), offsetMs: 0 });
    c.events.on('audio', ({ pcm }) => heard.push(pcm[0]));
    reply({ status: 200, body: '{"name":"Annabel"}' });
    await c.settle();
    expect(c.setup().openingText).toBe('Hello Annabel');
    expect(heard).toEqual([7]);
  });

  it('goes on when the recording ends early, says so once, and keeps what was written', async () => {
    const c = call();
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle(3000);
    c.events.emit('recordingFailed', { message: 'no space left on device' });
    c.events.emit('recordingFailed', { message: 'no space left on device' });
    await c.settle(1000);
    c.end({ type: 'botHangUp' });
    c.events.emit('released', { sipStatus: 200 });
    await c.settle();
    expect(c.outcomes).toMatchObject([{ disconnectedBy: 'bot', callDurationSeconds: 4, recording: { status: 'partial', key: 'k' }, warnings: ['recording failed: no space left on device'] }]);
    expect(c.timeline.filter((type) => type === 'warning')).toHaveLength(1);
    expect(c.timeline.indexOf('warning')).toBeLessThan(c.timeline.indexOf('call.ending'));
  });

  it('holds the conversation when the recording cannot begin', async () => {
    const c = call({ record: () => Promise.reject(new Error('read-only file system')) });
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle(1000);
    expect(c.said).toContain('converse');
    c.end({ type: 'botHangUp' });
    c.events.emit('released', { sipStatus: 200 });
    await c.settle();
    expect(c.outcomes).toMatchObject([{ disconnectedBy: 'bot', warnings: ['recording failed: read-only file system'] }]);
  });

  it('has nothing to record of a call that is over before its recording begins', async () => {
    let refuse: (error: Error) => void = () => undefined;
    const c = call({ record: () => new Promise((_resolve, reject) => { refuse = reject; }) });
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle(20);
    c.events.emit('hungUp', {});
    c.onClose(() => { refuse(new Error('the media session is closed')); });
    await c.settle();
    expect(c.outcomes).toMatchObject([{ disconnectedBy: 'customer', recording: { status: 'none', key: null }, warnings: [] }]);
  });

  it('counts a recording whose last batch is lost at the end as partial', async () => {
    const c = call();
    await c.settle();
    c.events.emit('answered', { sipStatus: 200 });
    await c.settle(1000);
    c.onClose(() => { c.events.emit('recordingFailed', { message: 'no space left on device' }); });
    c.events.emit('hungUp', {});
    await c.settle();
    expect(c.outcomes).toMatchObject([{ disconnectedBy: 'customer', recording: { status: 'partial' }, warnings: [expect.any(String)] }]);
  });

  it('ends with exactly one outcome, whatever comes in whatever order', async () => {
    type Step = (c: ReturnType<typeof call>) => void;
    const steps: Record<string, Step> = {
      ringing: (c) => { c.events.emit('provisional', { sipStatus: 180, earlyMedia: false }); }, answered: (c) => { c.events.emit('answered', { sipStatus: 200 }); },
      failed: (c) => { c.events.emit('failed', { sipStatus: 486, reason: 'Busy' }); }, hungUp: (c) => { c.events.emit('hungUp', {}); },
      fault: (c) => { c.events.emit('fault', { reason: 'media_timeout', detail: '' }); }, released: (c) => { c.events.emit('released', { sipStatus: null }); },
      api: (c) => { c.session.hangUp('requested'); }, botHangUp: (c) => { c.end({ type: 'botHangUp' }); }, human: (c) => { c.end({ type: 'humanDetected' }); },
      transfer: (c) => { c.session.transfer('+14155550199'); }, secondAnswered: (c) => { c.secondEvents.emit('answered', { sipStatus: 200 }); }, secondLeft: (c) => { c.secondEvents.emit('hungUp', {}); },
      machine: (c) => { c.end({ type: 'machineDetected' }); }, backstop: (c) => { c.session.fail('x'); },
    };
    await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 12 }), async (names) => {
      const c = call();
      await c.settle(20);
      for (const name of names) { steps[name](c); await c.settle(20); }
      await c.clock.advanceAsync(4 * 3_600_000 + 660_000, 300_000);
      await c.session.done;
      expect(c.outcomes).toHaveLength(1);
    }), { numRuns: 60 });
  });
});
