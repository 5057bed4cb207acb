import type { TrunkEntry } from '@dialfleet/fleet';
import { errorMessage, within, type Clock, type Logger } from '@dialfleet/kit';
import { afterRegister, lapsed, notRegistered, type RegisterResult, type RegistrationStanding } from '@dialfleet/telephony';

/** RegistrarClient of @dialfleet/telephony. */
export interface Registrar {
  register(expiresSeconds: number): Promise<RegisterResult>;
  unregister(): Promise<void>;
  close(): void;
}

/** Rejects when the trunk's values or sockets do not allow it. `onFlowLost`: the connection that calls come in over is gone. */
export type OpenRegistrar = (onFlowLost: (reason: string) => void) => Promise<Registrar>;

export interface RegistrationParts {
  entry: TrunkEntry;
  open: OpenRegistrar;
  /** Whenever anything about it changes, refreshes among them. */
  onStanding(standing: RegistrationStanding): void;
  clock: Clock;
  logger: Logger;
  random?: () => number;
}

/** After a lost connection, within this: all workers' connections to a registrar that restarts are lost at once. */
const FLOW_RECOVERY_MS = 1_000;
/** How long the end waits for the answer to a REGISTER under way. */
const LAST_ANSWER_MS = 3_000;

/** Keeps one trunk registered: refreshes in time, tries again ever more slowly after failures, and takes the binding away at the end. */
export class TrunkRegistration {
  private standing: RegistrationStanding;
  private registrar: Registrar | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private state: 'active' | 'suspended' | 'ended' = 'active';
  private cancelNext: () => void = () => undefined;
  private cancelLapse: () => void = () => undefined;
  private readonly random: () => number;

  constructor(private readonly parts: RegistrationParts) {
    this.standing = notRegistered(parts.clock.nowMs());
    this.random = parts.random ?? Math.random;
  }

  /** REGISTER now. */
  start(): void { this.wake(0); }

  /** Nobody knows whether it is still ours to refresh: the binding is left alone until it lapses. */
  suspend(): void {
    if (this.state !== 'active') return;
    this.state = 'suspended';
    this.cancelNext();
  }

  resume(): void {
    if (this.state !== 'suspended') return;
    this.state = 'active';
    this.wake(0);
  }

  /** Takes the binding away, as far as the registrar answers at once. Never rejects. */
  async end(): Promise<void> {
    this.state = 'ended';
    this.cancelNext();
    this.cancelLapse();
    if (this.running) await within(this.parts.clock, LAST_ANSWER_MS, this.running);
    const { registrar } = this;
    this.registrar = undefined;
    if (this.standing.registered) await registrar?.unregister();
    else registrar?.close();
  }

  private wake(delayMs: number): void {
    this.cancelNext();
    if (this.state !== 'active') return;
    this.cancelNext = this.parts.clock.after(delayMs, () => { this.run(); });
  }

  /** One REGISTER at a time (RFC 3261 §10.2). */
  private run(): void {
    if (this.running) { this.again = true; return; }
    this.again = false;
    this.running = this.register().finally(() => {
      this.running = undefined;
      if (this.again) this.wake(0);
    });
  }

  private async register(): Promise<void> {
    const result = await this.attempt();
    const before = this.standing;
    const nowMs = this.parts.clock.nowMs();
    const { standing, nextInMs } = afterRegister(before, result, nowMs, this.random);
    this.learn(standing);
    if (before.registered !== standing.registered || before.lastAnswer?.reason !== standing.lastAnswer?.reason) this.log(result);
    this.wake(nextInMs);
  }

  private async attempt(): Promise<RegisterResult> {
    try {
      this.registrar ??= await this.parts.open(() => { this.flowLost(); });
      return await this.registrar.register(this.parts.entry.registerExpiresSeconds);
    } catch (error) {
      return { outcome: 'unanswered', reason: errorMessage(error) };
    }
  }

  private flowLost(): void { if (this.standing.registered) this.wake(this.random() * FLOW_RECOVERY_MS); }

  private learn(standing: RegistrationStanding): void {
    const { clock } = this.parts;
    this.standing = standing;
    this.cancelLapse();
    if (standing.expiresAtMs !== null && this.state !== 'ended') {
      this.cancelLapse = clock.after(standing.expiresAtMs - clock.nowMs(), () => { this.learn(lapsed(this.standing, clock.nowMs())); });
    }
    if (this.state !== 'ended') this.parts.onStanding(standing);
  }

  private log(result: RegisterResult): void {
    const { logger, entry: { trunk } } = this.parts;
    const fields = { trunk_id: trunk.trunkId, reason: result.reason };
    if (result.outcome === 'registered') logger.info('trunk registered', { ...fields, server: result.server, expires_s: result.expiresSeconds });
    else logger.warn('trunk could not be registered', { ...fields, ...(result.outcome === 'refused' ? { sip_status: result.sipStatus } : {}) });
  }
}
