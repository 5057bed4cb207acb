import { assertReachable, countUnpushed, createAdminKey, createDatabase, ensureOwner, isKeyOf, migrate, startEmbeddedDatabase } from '@dialfleet/database';
import { errorMessage, type Env } from '@dialfleet/kit';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Broker } from './broker.js';
import { DataFolder, type AdminAccess, type RunFile } from './data-folder.js';
import { freePort } from './free-port.js';
import { launcherSettings, portShare, type LauncherSettings } from './launcher-settings.js';
import { endLeftovers } from './leftovers.js';
import { Service } from './service.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const OWNER_EMAIL = 'owner@localhost';
const STOP_GRACE_MS = 10_000;
/** For the last results on their way out: longer than the first attempt of a delivery. */
const RESULTS_GRACE_MS = 20_000;
const apps = ['gateway', 'worker', 'push'] as const;
type App = (typeof apps)[number];
const scriptOf = (app: App): string => join(root, 'apps', app, 'dist', 'main.js');

export interface FleetOptions {
  env: Env;
  say(text: string): void;
  /** Services log to files in `<data>/logs` instead of stderr. */
  logToFiles: boolean;
  /** Gives up starting: what was started is stopped again. */
  signal?: AbortSignal;
}

/** Everything on one machine: broker, database, gateway, workers, push; started in order, stopped in order. */
export class Fleet {
  private readonly undo: (() => Promise<void>)[] = [];
  private readonly workers: Service[] = [];
  private gateway: Service | undefined;
  private push: Service | undefined;
  private access: AdminAccess = { admin_api_key: null, dashboard: null };
  private urls = { url: '', nats: '', database: '' };
  private stopped: Promise<void> | undefined;

  private constructor(private readonly options: FleetOptions, private readonly settings: LauncherSettings, readonly folder: DataFolder) {}

  /** @throws SettingError, or an Error that says what could not be started; what was started is stopped again. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const settings = launcherSettings(options.env);
    const fleet = new Fleet(options, settings, new DataFolder(settings.dataDir));
    fleet.undo.push(() => { fleet.folder.release(); return Promise.resolve(); });
    try {
      await fleet.startAll();
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  get runFile(): RunFile {
    const pids = (services: (Service | undefined)[]): number[] => services.flatMap((service) => service?.pid ?? []);
    return { url: this.urls.url, ...this.access, nats_url: this.urls.nats, database_url: this.urls.database,
      pids: { launcher: [process.pid], gateway: pids([this.gateway]), worker: pids(this.workers), push: pids([this.push]) } };
  }

  /** Gateways first, so that nothing new comes in; then the calls drain; then their results are pushed; then the stores. */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  /** Hangs up the calls that a drain is waiting for. */
  hurry(): void { for (const worker of this.workers) worker.hurry(); }

  private async startAll(): Promise<void> {
    const { settings, options } = this;
    await this.endPreviousRun();
    options.say(`starting the message broker, the database, the gateway, ${settings.workers} ${settings.workers === 1 ? 'worker' : 'workers'} and push`);
    const port = settings.port === 0 ? await freePort() : settings.port;
    this.urls.url = `http://127.0.0.1:${port}`;
    this.urls.nats = await this.natsUrl();
    // Workers need no database: they load their models while it starts.
    await this.unlessAborted(() => Promise.all([this.startWorkers(), this.startDatabase().then(() => this.startGatewayAndPush(port))]));
    await this.unlessAborted(() => this.workersVisible());
    this.writeRunFile();
  }

  private async startWorkers(): Promise<void> {
    for (let i = 0; i < this.settings.workers; i++) this.workers.push(this.service('worker', { ...this.commonEnv(), ...this.workerEnv(i) }, `worker-${i + 1}`));
    await Promise.all(this.workers.map((worker) => worker.start()));
  }

  private async startDatabase(): Promise<void> {
    this.options.signal?.throwIfAborted();
    const database = this.urls.database = await this.databaseUrl();
    this.options.signal?.throwIfAborted();
    const applied = await migrate(database, join(root, 'prisma', 'migrations'));
    if (applied.length > 0) this.options.say(`database: applied ${applied.length} ${applied.length === 1 ? 'migration' : 'migrations'}`);
    await this.ensureAccess(database);
  }

  private async startGatewayAndPush(port: number): Promise<void> {
    if (this.stopped) return;
    const env = { ...this.commonEnv(), DATABASE_URL: this.urls.database };
    this.gateway = this.service('gateway', { ...env, DIALFLEET_PORT: String(port) });
    this.push = this.service('push', env);
    await Promise.all([this.gateway.start(), this.push.start()]);
  }

  private async unlessAborted(work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.options;
    const aborted = new Promise<never>((_resolve, reject) => { signal?.addEventListener('abort', () => { reject(signal.reason as Error); }, { once: true }); });
    signal?.throwIfAborted();
    await Promise.race([work(), aborted]);
  }

  /** Before its broker goes: the results of its last calls still find their way. */
  private async endPreviousRun(): Promise<void> {
    const previous = this.folder.previousRun()?.pids;
    if (previous) await endLeftovers([...previous.gateway, ...previous.worker, ...previous.push], apps.map(scriptOf), this.options.say);
  }

  private async natsUrl(): Promise<string> {
    if (this.settings.natsUrl) return this.settings.natsUrl;
    const broker = await Broker.start(this.folder.path, this.options.say);
    this.undo.push(() => broker.stop());
    return broker.url;
  }

  private async databaseUrl(): Promise<string> {
    const { databaseUrl } = this.settings;
    if (databaseUrl) { await assertReachable(databaseUrl); return databaseUrl; }
    const embedded = startEmbeddedDatabase({ dataDir: this.folder.file('postgres') });
    // At once: who gives up while it starts waits for it, and then closes it.
    this.undo.push(() => embedded.then((database) => database.close(), () => undefined));
    return (await embedded).connectionString;
  }

  private async ensureAccess(connectionString: string): Promise<void> {
    const database = createDatabase({ connectionString, poolSize: 1 });
    try {
      const dashboard = { email: OWNER_EMAIL, password: randomBytes(12).toString('base64url') };
      const owner = await ensureOwner(database, dashboard);
      if (owner.created) this.folder.keepAdminAccess({ admin_api_key: owner.adminApiKey, dashboard });
      const kept = this.folder.adminAccess();
      // A folder that was lost, or that belongs to another database: whoever can write to the database may have a key.
      if (!await isKeyOf(database, kept?.admin_api_key)) this.folder.keepAdminAccess({ admin_api_key: await createAdminKey(database, owner.workspaceId, 'Key of the launcher'), dashboard: null });
      this.access = this.folder.adminAccess() ?? this.access;
    } finally { await database.$disconnect(); }
  }

  private commonEnv(): Record<string, string> {
    const { settings, folder, urls } = this;
    const inherited = Object.fromEntries(Object.entries(this.options.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
    return { ...inherited, NATS_URL: urls.nats, DIALFLEET_DATA_DIR: folder.path,
      DIALFLEET_PUBLIC_URL: settings.publicUrl || urls.url, DIALFLEET_SECRET_KEY: settings.secretKey || folder.secretKey(),
      ...(settings.databaseUrl ? {} : { DIALFLEET_DATABASE_POOL: '4' }) };
  }

  private workerEnv(index: number): Record<string, string> {
    const { settings } = this;
    const rtp = portShare(settings.rtpPorts, index, settings.workers);
    return { DIALFLEET_WORKER_ID: this.workerId(index), DIALFLEET_MAX_CALLS: String(settings.maxCalls),
      DIALFLEET_SIP_PORT: String(settings.sipPort === 0 ? 0 : settings.sipPort + index), DIALFLEET_RTP_PORTS: `${rtp.min}-${rtp.max}`,
      ...(settings.sipTlsPort ? { DIALFLEET_SIP_TLS_PORT: String(settings.sipTlsPort + index) } : {}),
      ...(settings.sipWebSocketPort ? { DIALFLEET_SIP_WS_PORT: String(settings.sipWebSocketPort + index) } : {}),
      DIALFLEET_DRAIN_TIMEOUT_SECONDS: String(settings.drainTimeoutSeconds) };
  }

  /** On a broker of its own nobody else has these names; on a shared one the machine and folder keep them apart. */
  private workerId(index: number): string {
    const place = createHash('sha256').update(`${hostname()}:${this.folder.path}`).digest('hex').slice(0, 6);
    return `${this.settings.natsUrl ? `w-${place}` : 'w'}-${index + 1}`;
  }

  private service(app: App, env: Record<string, string>, label: string = app): Service {
    const logs = this.folder.file('logs');
    mkdirSync(logs, { recursive: true });
    return new Service({ label, script: scriptOf(app), env, logFile: this.options.logToFiles ? join(logs, `${label}.log`) : null },
      () => { if (this.gateway && this.workers.length === this.settings.workers) this.writeRunFile(); }, this.options.say);
  }

  private writeRunFile(): void { if (!this.stopped) this.folder.writeRunFile(this.runFile); }

  /** "Ready" means that a dialout would find a worker. */
  private async workersVisible(): Promise<void> {
    const deadline = Date.now() + 15_000;
    while (this.settings.workers > 0 && Date.now() < deadline) {
      const metrics = await fetch(`${this.urls.url}/metrics`).then((reply) => reply.text(), () => '');
      if (Number(/^dialfleet_fleet_workers\{status="ready"\} (\d+)$/m.exec(metrics)?.[1]) >= this.settings.workers) return;
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }

  private async stopAll(): Promise<void> {
    await this.gateway?.stop(STOP_GRACE_MS);
    await Promise.all(this.workers.map((worker) => worker.stop(this.settings.drainTimeoutSeconds * 1000 + 2 * STOP_GRACE_MS)));
    if (this.push?.pid !== undefined) await this.resultsPushed().catch((error: unknown) => { this.options.say(`the last results are pushed at the next start: ${errorMessage(error)}`); });
    await this.push?.stop(2 * STOP_GRACE_MS);
    for (const undo of this.undo.reverse()) await undo().catch((error: unknown) => { this.options.say(`while stopping: ${String(error)}`); });
  }

  /** Waits until each call has its result, and each result had its first attempt at every endpoint. */
  private async resultsPushed(): Promise<void> {
    const deadline = Date.now() + RESULTS_GRACE_MS;
    const workerIds = Array.from({ length: this.settings.workers }, (_, i) => this.workerId(i));
    const database = createDatabase({ connectionString: this.urls.database, poolSize: 1 });
    try {
      for (let left = await countUnpushed(database, workerIds); left > 0; left = await countUnpushed(database, workerIds)) {
        if (Date.now() > deadline) throw new Error(`${left} took too long`);
        await new Promise((resolve) => { setTimeout(resolve, 100); });
      }
    } finally { await database.$disconnect(); }
  }
}
