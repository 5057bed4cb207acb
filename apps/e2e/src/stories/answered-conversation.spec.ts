import { appointmentOpening, appointmentReminder } from '@dialfleet/bot';
import { verifySignature } from '@dialfleet/launcher';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transcribeChannels } from '../harness/listen-to-recording.js';
import { customers, TestFleet } from '../harness/test-fleet.js';

describe('a customer answers, is busy, and asks to be called another day', () => {
  let fleet: TestFleet;
  let botId: string;
  let secret: string;
  let webhookSecret: string;
  let sessionId: string;
  beforeAll(async () => {
    fleet = await TestFleet.start();
    botId = await fleet.bot({ script: appointmentReminder, opening_message: appointmentOpening });
    ({ secret } = await fleet.api.post<{ secret: string }>(`/api/v1/bots/${botId}/endpoints`, { kind: 'crm_push', url: `${fleet.crm.url}/leads`, mapper: {
      lead_id: '{{crm.customer_id}}', 'contact.callback_number': '{{analysis.callback_number}}', disposition: '{{analysis.disposition}}',
      duration: '{{result.call_duration_seconds}}', nothing: '{{crm.nothing}}', source: 'voicebot' } }));
    ({ secret: webhookSecret } = await fleet.api.post<{ secret: string }>(`/api/v1/bots/${botId}/endpoints`, { kind: 'webhook', url: `${fleet.crm.url}/results` }));
    sessionId = await fleet.dial(botId, customers.callback, { variables: { customer_id: 'C-1042', name: 'Maria', appointment: 'Monday at ten' } });
  });
  afterAll(() => fleet?.stop());

  it('ends with the result of a conversation that both sides really spoke', async () => {
    const result = await fleet.result(sessionId);
    const said = (speaker: string): string => result.transcript.filter((turn) => turn.speaker === speaker).map((turn) => turn.text).join(' ');
    expect(said('bot')).toContain('Hello Maria');
    expect(said('customer').toLowerCase()).toMatch(/another day|call me/);
    expect(result).toMatchObject({ session_id: sessionId, bot_id: botId, disconnected_by: 'bot', sip_status: 200, analysis_status: 'ok', recording_status: 'ready' });
    expect(result.post_call_analysis).toMatchObject({ disposition: 'callback_requested' });
    expect(result.call_duration_seconds).toBeGreaterThan(5);
    expect(result.latency.length).toBeGreaterThan(0);
  });

  it('reaches the CRM mapped, typed and signed, with what could not be filled left empty', async () => {
    const push = await fleet.crm.next('/leads', 20_000);
    verifySignature(push, secret);
    expect(push.headers['webhook-id']).toMatch(new RegExp(`^msg_${sessionId}_`));
    const body = JSON.parse(push.body) as Record<string, unknown>;
    expect(body).toMatchObject({ lead_id: 'C-1042', disposition: 'callback_requested', nothing: '', source: 'voicebot' });
    expect(typeof body['duration']).toBe('number');
    expect(String((body['contact'] as Record<string, unknown>)['callback_number'])).toMatch(/4155550123$/);
  });

  it('reaches the webhook as the whole result', async () => {
    const push = await fleet.crm.next('/results', 20_000);
    verifySignature(push, webhookSecret);
    expect(JSON.parse(push.body)).toMatchObject({ session_id: sessionId, disconnected_by: 'bot', transcript: expect.arrayContaining([expect.objectContaining({ speaker: 'customer' })]) });
  });

  it('is recorded with each voice on its own channel', async () => {
    const { recording_url: url } = await fleet.result(sessionId);
    const wav = Buffer.from(await (await fetch(String(url))).arrayBuffer());
    const heard = await transcribeChannels(wav);
    expect(heard.bot.toLowerCase()).toMatch(/dental|appointment/);
    expect(heard.customer.toLowerCase()).toMatch(/busy|another day|call me/);
    expect(heard.customer.toLowerCase()).not.toContain('dental');
    expect(heard.bot.toLowerCase()).not.toContain('another day please');
  });

  it('left a timeline that explains it', async () => {
    const { events } = await fleet.api.get<{ events: { type: string }[] }>(`/api/v1/calls/${sessionId}/events`);
    const types = events.map((event) => event.type);
    for (const type of ['call.dialling', 'call.ringing', 'greeting.ready', 'call.answered', 'turn.bot', 'turn.customer', 'call.ending', 'call.ended']) expect(types).toContain(type);
    expect(types.indexOf('greeting.ready')).toBeLessThan(types.indexOf('call.answered'));
  });
});
