import type { CallResult } from '@dialfleet/call';
import { ApiClient } from '@dialfleet/launcher';

export const CALLER_ID = '+14155550100';

/** What a team does with the platform over its public API: sets up bots, dials, and waits for what comes of it. */
export class Integrator {
  constructor(readonly api: ApiClient, readonly trunkId: string) {}

  /** Another trunk, on this machine unless `settings` says otherwise. */
  async trunk(settings: Record<string, unknown>): Promise<string> {
    const { trunk_id: trunkId } = await this.api.post<{ trunk_id: string }>('/api/v1/trunks', {
      name: 'Another trunk', host: '127.0.0.1', transport: 'udp', default_from_number: CALLER_ID, ...settings,
    });
    return trunkId;
  }

  async bot(settings: Record<string, unknown> = {}): Promise<string> {
    const { bot_id: botId } = await this.api.post<{ bot_id: string }>('/api/v1/bots', {
      name: 'Story bot', trunk_id: this.trunkId, opening_message: 'Hello, this is a reminder from Green Dental. Can you come on Monday?', ...settings,
    });
    return botId;
  }

  async dial(botId: string, toNumber: string, extra: Record<string, unknown> = {}, headers: Record<string, string> = {}): Promise<string> {
    const { session_id: sessionId } = await this.api.post<{ session_id: string }>('/api/v1/dialout', { bot_id: botId, to_number: toNumber, ...extra }, headers);
    return sessionId;
  }

  /** The complete result, once the call has one. */
  async result(sessionId: string, timeoutMs = 90_000): Promise<CallResult> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const call = await this.api.get<Partial<CallResult>>(`/api/v1/calls/${sessionId}`);
      if (call.disconnected_by) return call as CallResult;
      if (Date.now() > deadline) throw new Error(`no result for ${sessionId} after ${timeoutMs} ms: ${JSON.stringify(call)}`);
      await pause(200);
    }
  }

  /** Waits until the call's timeline has an event of this type. */
  async event(sessionId: string, type: string, timeoutMs = 60_000): Promise<{ type: string; data: Record<string, unknown> }> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const { events } = await this.api.get<{ events: { type: string; data: Record<string, unknown> }[] }>(`/api/v1/calls/${sessionId}/events`);
      const found = events.find((event) => event.type === type);
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`no ${type} on the timeline of ${sessionId}; seen: ${events.map((event) => event.type).join(', ')}`);
      await pause(100);
    }
  }
}

/** A trunk to a carrier on this machine; returns its id. */
export async function connectCarrier(api: ApiClient, port: number): Promise<string> {
  const { trunk_id: trunkId } = await api.post<{ trunk_id: string }>('/api/v1/trunks', {
    name: 'Simulated carrier', host: '127.0.0.1', port, transport: 'udp', default_from_number: CALLER_ID, numbers: [CALLER_ID], codecs: ['PCMU', 'PCMA'],
  });
  return trunkId;
}

/** Real calls take real time; this waits for them, it never decides a test. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Asks again until there is an answer: for what becomes true by itself. Errors on the way count as "not yet". */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined> | T | undefined, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (let last: unknown; ; ) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) { last = error; }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`, { cause: last });
    await pause(100);
  }
}
