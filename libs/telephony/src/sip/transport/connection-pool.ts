import type { SipTransportName } from '@dialfleet/call';
import { errorMessage, type Clock } from '@dialfleet/kit';
import { MAX_CONNECTIONS, type Connection, type ConnectionEvents, type ConnectionKind, type ConnectionServer, type OpenConnection } from './connection.js';
import { isWebSocket, type FlowListener, type FlowUse, type Hop, type SipSocket } from './sip-socket.js';
import type { ServerTls } from '../locate/sip-target.js';
import type { Peer } from '../message/wire.js';

/** A connection that no call uses is closed after this long without a message. */
export const IDLE_CLOSE_MS = 3 * 60_000;
/** A client that connected to us keeps its connection by sending anything at all within this time (RFC 5626 §4.4: 120 s). */
export const SILENT_CLIENT_MS = 10 * 60_000;
/** A stranger who connected gets this long to send something that is answered. */
export const STRANGER_MS = 30_000;
/** RFC 5626 §4.4.1: no pong within this means that the flow has failed. */
export const PONG_TIMEOUT_MS = 10_000;
const MAX_INBOUND_PER_SOURCE = 128;
/** Connections of strangers at once: one more takes the place of the oldest. Trunks have room beside them. */
const MAX_STRANGERS = 512;
const MIN_LOOK_MS = 100;

interface Flow {
  id: string;
  /** Of the target it was opened for; undefined for a connection that came in. */
  key: string | undefined;
  /** Undefined until the pool was told where it leads. */
  connection: Connection | undefined;
  target: Hop | undefined;
  openedMs: number;
  lastMessageMs: number;
  lastHeardMs: number;
  /** It has answered a ping before: silence then means that it is dead. */
  pongs: boolean;
  pingedMs: number;
  cancelWatch: () => void;
}

/**
 * All connections of one transport, those we opened and those that came in: reuses them, keeps them alive while calls use
 * them, and closes those that are dead or idle.
 */
export class ConnectionPool implements SipSocket {
  readonly transport: SipTransportName;
  private readonly flows = new Map<string, Flow>();
  private readonly opening = new Map<string, Promise<Flow>>();
  private readonly byKey = new Map<string, Flow>();
  private readonly uses = new Map<string, Set<FlowUse>>();
  private readonly inboundBySource = new Map<string, number>();
  /** Connections that came in from nobody we know, and on which nothing was answered yet; oldest first. */
  private readonly strangers = new Set<Flow>();
  private inbound = 0;
  private server: ConnectionServer | undefined;
  private nextFlow = 1;
  private closed = false;

  constructor(private readonly kind: ConnectionKind, private readonly clock: Clock, private readonly listener: FlowListener) {
    this.transport = kind.transport;
  }

  get port(): number | undefined { return this.server?.port; }

  /** Connections open now: for metrics and tests. */
  get size(): number { return this.flows.size; }

  async listen(bindAddress: string, port: number): Promise<void> {
    this.server = await this.kind.listen(bindAddress, port, (open, source) => { this.accept(open, source); });
  }

  async connect(to: Hop): Promise<Hop> {
    const known = this.liveFlow(to);
    const flow = known ?? await this.flowTo(to);
    return { ...to, flow: flow.id, localPort: flow.connection?.localPort, reused: known !== undefined };
  }

  async send(text: string, to: Hop): Promise<void> {
    const flow = this.liveFlow(to) ?? await this.flowTo(to);
    if (!flow.connection) throw new Error('the connection was closed');
    flow.lastMessageMs = this.clock.monotonicMs();
    this.strangers.delete(flow);
    await flow.connection.send(text);
  }

  use(to: Hop, use: FlowUse): () => void {
    const key = this.useKeyOf(to);
    const users = this.uses.get(key) ?? new Set();
    this.uses.set(key, users.add(use));
    const flow = this.flows.get(key) ?? this.byKey.get(key);
    if (flow && users.size === 1) this.watch(flow);
    return () => {
      users.delete(use);
      if (users.size === 0 && this.uses.get(key) === users) this.uses.delete(key);
    };
  }

  /** The flow proved useless: a request on it was never answered, and nothing else came either. */
  suspect(flowId: string, sinceMs: number, reason: string): void {
    const flow = this.flows.get(flowId);
    if (flow && flow.lastHeardMs < sinceMs) this.drop(flow, reason);
  }

  renew(tls: ServerTls): void { this.server?.renew?.(tls); }

  async close(): Promise<void> {
    this.closed = true;
    for (const flow of [...this.flows.values()]) this.drop(flow, 'the SIP endpoint is stopping');
    await this.server?.close();
  }

  private liveFlow(to: Hop): Flow | undefined {
    if (this.closed) throw new Error('the SIP socket is closed');
    return (to.flow === undefined ? undefined : this.flows.get(to.flow)) ?? this.byKey.get(this.kind.keyOf(to));
  }

  private flowTo(to: Hop): Promise<Flow> {
    const key = this.kind.keyOf(to);
    const known = this.opening.get(key);
    if (known) return known;
    // A WebSocket client cannot be called back.
    if (isWebSocket(this.transport) && to.flow?.includes('-')) return Promise.reject(new Error('the connection was closed'));
    if (this.flows.size - this.inbound + this.opening.size >= MAX_CONNECTIONS) return Promise.reject(new Error('too many connections are open'));
    const opening = this.open(to, key).finally(() => { this.opening.delete(key); });
    this.opening.set(key, opening);
    return opening;
  }

  private async open(to: Hop, key: string): Promise<Flow> {
    const flow = this.newFlow(this.transport, key, to);
    const connection = await this.kind.dial(to, this.eventsOf(flow));
    if (this.closed) {
      connection.destroy();
      throw new Error('the SIP socket is closed');
    }
    this.adopt(flow, connection);
    this.byKey.set(key, flow);
    return flow;
  }

  private accept(open: OpenConnection, source: { address: string; port: number }): void {
    const flow = this.newFlow(`${this.transport}-`, undefined, undefined);
    const count = this.inboundBySource.get(source.address) ?? 0;
    const connection = open({ ...this.eventsOf(flow), onClosed: (error) => { this.forgetSource(source.address); this.lost(flow, error); } });
    this.inboundBySource.set(source.address, count + 1);
    this.inbound++;
    if (!this.listener.isKnown(source.address)) this.welcomeNot(flow);
    flow.target = { transport: this.transport, ...source, hostname: source.address };
    this.adopt(flow, connection);
    if (count >= MAX_INBOUND_PER_SOURCE || this.closed) this.drop(flow, 'too many connections from one address');
    // Requests to that very address and port can only mean this connection (RFC 5923 applies to TLS, where identity counts).
    else if (this.transport === 'tcp' || this.transport === 'ws') this.byKey.set(this.kind.keyOf(flow.target), flow);
  }

  private welcomeNot(flow: Flow): void {
    const [oldest] = this.strangers;
    if (this.strangers.size >= MAX_STRANGERS) this.drop(oldest, 'too many strangers are connected');
    this.strangers.add(flow);
  }

  private newFlow(prefix: string, key: string | undefined, target: Hop | undefined): Flow {
    const now = this.clock.monotonicMs();
    return { id: `${prefix}${this.nextFlow++}`, key, connection: undefined, target, openedMs: now, lastMessageMs: now, lastHeardMs: now, pongs: false, pingedMs: now, cancelWatch: () => undefined };
  }

  private adopt(flow: Flow, connection: Connection): void {
    flow.connection = connection;
    flow.pongs = connection.alwaysPongs;
    this.flows.set(flow.id, flow);
    this.watch(flow);
  }

  private eventsOf(flow: Flow): ConnectionEvents {
    const source = (): Peer => ({ ...(flow.connection?.remote ?? { address: '', port: 0 }), transport: this.transport, flow: flow.id });
    const heard = (): void => { flow.lastHeardMs = this.clock.monotonicMs(); };
    return {
      onMessage: (text) => {
        heard();
        flow.lastMessageMs = flow.lastHeardMs;
        this.listener.onMessage(text, source());
      },
      onAlive: () => { heard(); return !this.strangers.has(flow); },
      onPong: () => { heard(); flow.pongs = true; },
      onRefused: (reason) => this.listener.onRefused(reason, source()),
      onClosed: (error) => this.lost(flow, error),
    };
  }

  private drop(flow: Flow, reason: string): void {
    flow.connection?.destroy(new Error(reason));
    this.lost(flow, new Error(reason));
  }

  private lost(flow: Flow, error: Error | undefined): void {
    flow.cancelWatch();
    this.strangers.delete(flow);
    if (!this.flows.delete(flow.id)) return;
    if (flow.key === undefined) this.inbound--;
    const key = flow.target && this.kind.keyOf(flow.target);
    if (key !== undefined && this.byKey.get(key) === flow) this.byKey.delete(key);
    this.listener.onFlowLost(flow.id, error === undefined ? 'the connection was closed' : errorMessage(error));
  }

  private forgetSource(address: string): void {
    const left = (this.inboundBySource.get(address) ?? 1) - 1;
    if (left > 0) this.inboundBySource.set(address, left); else this.inboundBySource.delete(address);
  }

  private useKeyOf(to: Hop): string { return to.flow !== undefined && this.flows.get(to.flow)?.key === undefined ? to.flow : this.kind.keyOf(to); }

  private usedBy(flow: Flow): Set<FlowUse> | undefined { return this.uses.get(flow.key ?? flow.id); }

  /** Looks after a connection whenever something about it may be due. */
  private watch(flow: Flow): void {
    flow.cancelWatch();
    const keepAliveMs = this.keepAliveMsOf(flow);
    const idleMs = this.strangers.has(flow) ? STRANGER_MS : flow.key === undefined ? SILENT_CLIENT_MS : IDLE_CLOSE_MS;
    const pingInMs = Math.max(flow.lastHeardMs, flow.pingedMs) + keepAliveMs - this.clock.monotonicMs();
    flow.cancelWatch = this.clock.after(awaitsPong(flow) ? PONG_TIMEOUT_MS : Math.max(MIN_LOOK_MS, Math.min(pingInMs, idleMs / 4)), () => {
      const now = this.clock.monotonicMs();
      if (this.isIdle(flow, now)) { this.drop(flow, 'idle'); return; }
      if (awaitsPong(flow) && now - flow.pingedMs >= PONG_TIMEOUT_MS) { this.drop(flow, 'the far end does not answer keep-alives any more'); return; }
      if (now - Math.max(flow.lastHeardMs, flow.pingedMs) >= keepAliveMs) {
        flow.pingedMs = now;
        flow.connection?.ping();
      }
      this.watch(flow);
    });
  }

  private isIdle(flow: Flow, now: number): boolean {
    if (this.usedBy(flow)) return false;
    if (this.strangers.has(flow)) return now - flow.openedMs >= STRANGER_MS;
    return flow.key === undefined ? now - flow.lastHeardMs >= SILENT_CLIENT_MS : now - flow.lastMessageMs >= IDLE_CLOSE_MS;
  }

  /** The shortest that a user of the connection wants; connections that came in are kept alive by who opened them. */
  private keepAliveMsOf(flow: Flow): number {
    const wanted = [...this.usedBy(flow) ?? []].map(({ keepAliveMs }) => keepAliveMs).filter((ms) => ms > 0);
    return flow.key === undefined || wanted.length === 0 ? Infinity : Math.min(...wanted);
  }
}

const awaitsPong = (flow: Flow): boolean => flow.pongs && flow.pingedMs > flow.lastHeardMs;
