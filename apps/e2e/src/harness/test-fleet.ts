import { CarrierSim } from '@dialfleet/carrier-sim';
import { ApiClient, CrmReceiver, Fleet } from '@dialfleet/launcher';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectCarrier, Integrator } from './integrator.js';

export { CALLER_ID, pause } from './integrator.js';

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
  ringback: '+14155550110',
} as const;

const personas = {
  [customers.callback]: 'callback', [customers.busy]: 'busy', [customers.noAnswer]: 'no-answer', [customers.rejects]: 'rejects',
  [customers.voicemail]: 'voicemail', [customers.hangsUpEarly]: 'hangs-up-early', [customers.silent]: 'silent',
  [customers.unavailable]: 'unavailable', [customers.chatty]: 'chatty',
  [customers.ringback]: { name: 'ringback', answers: { after_ms: 2500, rings: false, early_media: true } },
};

/** A whole platform in a temporary folder, with a carrier and a CRM round it. Everything on 127.0.0.1 and free ports. */
export class TestFleet extends Integrator {
  private constructor(readonly fleet: Fleet, readonly carrier: CarrierSim, readonly crm: CrmReceiver, api: ApiClient, trunkId: string, private readonly dataDir: string) {
    super(api, trunkId);
  }

  static async start(options: TestFleetOptions = {}): Promise<TestFleet> {
    const dataDir = mkdtempSync(join(tmpdir(), 'dialfleet-e2e-'));
    const crm = await CrmReceiver.start();
    const carrier = await startCarrier(options.carrier);
    const fleet = await Fleet.start({ say: () => undefined, logToFiles: true, env: { ...fleetEnv(dataDir, options), ...options.env } });
    const api = new ApiClient(fleet.runFile.url, fleet.runFile.admin_api_key ?? '');
    return new TestFleet(fleet, carrier, crm, api, await connectCarrier(api, carrier.port), dataDir);
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    await this.carrier.stop();
    await this.crm.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

export const startCarrier = (options: TestFleetOptions['carrier'] = {}): Promise<CarrierSim> =>
  CarrierSim.start({ transport: 'udp', port: 0, personas: { default: 'callback', byNumber: personas }, ...options });

/** Settings of a platform on this machine that is in nobody's way. */
export const fleetEnv = (dataDir: string, options: Pick<TestFleetOptions, 'workers' | 'maxCalls'> = {}): NodeJS.ProcessEnv => ({
  ...process.env, DIALFLEET_DATA_DIR: dataDir, DIALFLEET_PORT: '0', DIALFLEET_SIP_PORT: '0', DIALFLEET_WORKERS: String(options.workers ?? 1),
  DIALFLEET_MAX_CALLS: String(options.maxCalls ?? 10), DIALFLEET_ADVERTISED_ADDRESS: '127.0.0.1', DIALFLEET_EGRESS_ALLOW: '127.0.0.1/32',
  DIALFLEET_DRAIN_TIMEOUT_SECONDS: '30', NATS_URL: undefined, DATABASE_URL: undefined,
});
