import { errorMessage, jitterMs, type Clock } from '@dialfleet/kit';
import type { Hop } from './sip-socket.js';

export interface KeepFlowOptions {
  /** Between signs of life; 0: none. Default 30. */
  keepAliveSeconds?: number;
  /** The way to the target is there, for the first time or again. A registration over the former one is void (RFC 5626 §4.2). */
  onUp?(): void;
  /** It is gone, or cannot be had; it is tried again until released. */
  onDown?(reason: string): void;
}

export interface KeptFlowContext extends KeepFlowOptions {
  clock: Clock;
  connect(): Promise<Hop>;
  random?: () => number;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** A connection that lived shorter than this counts as a failure: a server that takes and drops them is not hammered. */
const STABLE_MS = 30_000;

/**
 * Keeps one connection open, whatever happens to it.
 * ```
 * connecting ─▶ up ─▶ waiting ─▶ connecting …     released from any of them
 *      └────────────▶ waiting
 * ```
 */
export class KeptFlow implements HeldFlow {
  private flow: string | undefined;
  private upSinceMs = 0;
  private failures = 0;
  private released = false;
  private cancelWait: () => void = () => undefined;

  constructor(private readonly context: KeptFlowContext) { this.connect(); }

  get isUp(): boolean { return this.flow !== undefined; }

  /** A connection was lost: perhaps this one. */
  lost(flow: string, reason: string): void {
    if (this.flow !== flow) return;
    this.flow = undefined;
    if (this.context.clock.monotonicMs() - this.upSinceMs >= STABLE_MS) this.failures = 0;
    this.down(reason);
  }

  release(): void {
    this.released = true;
    this.flow = undefined;
    this.cancelWait();
  }

  private connect(): void {
    this.context.connect().then(
      ({ flow }) => {
        if (this.released) return;
        this.flow = flow;
        this.upSinceMs = this.context.clock.monotonicMs();
        this.context.onUp?.();
      },
      (error: unknown) => { if (!this.released) this.down(errorMessage(error)); });
  }

  private down(reason: string): void {
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.failures++, 10));
    this.cancelWait = this.context.clock.after(jitterMs(wait, 0.5, this.context.random), () => this.connect());
    this.context.onDown?.(reason);
  }
}

/** What keeps a way to a server open, until released. */
export interface HeldFlow {
  /** It was there when last seen. */
  readonly isUp: boolean;
  release(): void;
}

export interface PingedFlowContext extends Pick<KeepFlowOptions, 'onUp' | 'onDown'> {
  clock: Clock;
  /** 0: never asked, taken to be up. */
  everyMs: number;
  /** Undefined: the server answered; else why not. */
  ping(): Promise<string | undefined>;
}

/** One lost datagram is no failure. */
const FAILED_PINGS = 2;

/** Datagrams have no connection to lose: the server is asked now and then whether it is there. */
export class PingedFlow implements HeldFlow {
  private state: 'unknown' | 'up' | 'down' = 'unknown';
  private failures = 0;
  private released = false;
  private cancelWait: () => void = () => undefined;

  constructor(private readonly context: PingedFlowContext) {
    if (context.everyMs > 0) void this.ask(); else this.tell('up');
  }

  get isUp(): boolean { return this.state === 'up'; }

  release(): void {
    this.released = true;
    this.cancelWait();
  }

  private async ask(): Promise<void> {
    const { clock, everyMs } = this.context;
    const problem = await this.context.ping();
    if (this.released) return;
    this.failures = problem === undefined ? 0 : this.failures + 1;
    if (problem === undefined) this.tell('up'); else if (this.failures >= FAILED_PINGS) this.tell('down', problem);
    // The second question after a failure follows soon.
    this.cancelWait = clock.after(this.failures === 1 ? everyMs / 4 : everyMs, () => { void this.ask(); });
  }

  private tell(state: 'up' | 'down', reason = ''): void {
    if (this.state === state) return;
    this.state = state;
    if (state === 'up') queueMicrotask(() => this.context.onUp?.()); else this.context.onDown?.(reason);
  }
}
