import { CarrierSim } from '@dialfleet/carrier-sim';
import type { CallResult } from '@dialfleet/call';
import { ApiClient, CrmReceiver, Fleet } from '@dialfleet/launcher';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestFleetOptions {
  workers?: number;
  maxCalls?: number;
  env?: Record<string, string>;
  carrier?: Partial<Parameters<typeof CarrierSim.start>[0]>;
}

/** Each scripted customer has a number of its own at the simulated carrier. */
export const customers = {
  callback: '+14155550101', busy: '+14155550102', noAnswer: '+14155550103', rejects: '+14155550104', voicemail: '+14155550105',
  hangsUpEarly: '+14155550106', silent: '+14155550107', unavailable: '+14155550108', chatty: '+14155550109',
} as const;

const personas = {
  [customers.callback]: 'callback', [customers.busy]: 'busy', [customers.noAnswer]: 'no-answer', [customers.rejects]: 'rejects',
  [customers.voicemail]: 'voicemail', [customers.hangsUpEarly]: 'hangs-up-early', [customers.silent]: 'silent',
  [customers.unavailable]: 'unavailable', [customers.chatty]: 'chatty',
};

export const CALLER_ID = '+14155550100';

/** A whole platform in a temporary folder, with a carrier and a CRM round it. Everything on 127.0.0.1 and free ports. */
export class TestFleet {
  private constructor(
    readonly fleet: Fleet, readonly carrier: CarrierSim, readonly crm: CrmReceiver, readonly api: ApiClient, readonly trunkId: string, private readonly dataDir: string,
  ) {}

  static async start(options: TestFleetOptions = {}): Promise<TestFleet> {
    const dataDir = mkdtempSync(join(tmpdir(), 'dialfleet-e2e-'));
    const crm = await CrmReceiver.start();
    const carrier = await CarrierSim.start({ transport: 'udp', port: 0, personas: { default: 'callback', byNumber: personas }, ...options.carrier });
    const fleet = await Fleet.start({ say: () => undefined, logToFiles: true, env: {
      ...process.env, DIALFLEET_DATA_DIR: dataDir, DIALFLEET_PORT: '0', DIALFLEET_SIP_PORT: '0', DIALFLEET_WORKERS: String(options.workers ?? 1),
      DIALFLEET_MAX_CALLS: String(options.maxCalls ?? 10), DIALFLEET_ADVERTISED_ADDRESS: '127.0.0.1', DIALFLEET_EGRESS_ALLOW: '127.0.0.1/32',
      DIALFLEET_DRAIN_TIMEOUT_SECONDS: '30', NATS_URL: undefined, DATABASE_URL: undefined, ...options.env,
    } });
    const api = new ApiClient(fleet.runFile.url, fleet.runFile.admin_api_key ?? '');
    const { trunk_id: trunkId } = await api.post<{ trunk_id: string }>('/api/v1/trunks', {
      name: 'Simulated carrier', host: '127.0.0.1', port: carrier.port, transport: 'udp', default_from_number: CALLER_ID, numbers: [CALLER_ID], codecs: ['PCMU', 'PCMA'],
    });
    return new TestFleet(fleet, carrier, crm, api, trunkId, dataDir);
  }

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

  async stop(): Promise<void> {
    await this.fleet.stop();
    await this.carrier.stop();
    await this.crm.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** Real calls take real time; this waits for them, it never decides a test. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });
