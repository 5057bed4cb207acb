import type { RegistrationState } from '@dialfleet/fleet';
import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { REGISTRATION_LEASES, REGISTRATIONS } from './subjects.js';

/** A lease that is not renewed lapses after this long. */
export const LEASE_TTL_MS = 10_000;
const REQUEST_TIMEOUT_MS = 2_000;
const REOPEN_MS = 2_000;
/** JetStream: "wrong last sequence". */
const WRONG_REVISION = 10071;

/** Who may register each trunk (leases in a KV bucket with a time to live), and how the registrations stand. */
export class RegistrationStore {
  private readonly buckets = new Map<string, Promise<KV>>();

  constructor(private readonly nc: NatsConnection, private readonly leaseTtlMs = LEASE_TTL_MS) {}

  /** The revision of the lease when it is ours now; undefined when somebody has it. Rejects when the broker is away. */
  async acquire(trunkId: string, owner: string): Promise<number | undefined> {
    return this.unlessTaken(REGISTRATION_LEASES, (leases) => leases.create(trunkId, owner));
  }

  /** As `acquire`, for a lease that was ours at `revision`. */
  async renew(trunkId: string, owner: string, revision: number): Promise<number | undefined> {
    return this.unlessTaken(REGISTRATION_LEASES, (leases) => leases.update(trunkId, owner, revision, REQUEST_TIMEOUT_MS));
  }

  /** Others may have it at once. A lease that went to somebody else stays theirs. */
  async release(trunkId: string, revision: number): Promise<void> {
    await this.unlessTaken(REGISTRATION_LEASES, async (leases) => { await leases.delete(trunkId, { previousSeq: revision }); return revision; });
  }

  async publish(state: RegistrationState): Promise<void> {
    await (await this.bucket(REGISTRATIONS)).put(state.trunkId, JSON.stringify(state));
  }

  async forget(trunkId: string): Promise<void> { await (await this.bucket(REGISTRATIONS)).purge(trunkId); }

  /** Undefined when nothing is known of it. Rejects when the broker is away. */
  async read(trunkId: string): Promise<RegistrationState | undefined> {
    const entry = await (await this.bucket(REGISTRATIONS)).get(trunkId);
    return entry?.operation === 'PUT' ? entry.json<RegistrationState>() : undefined;
  }

  /** Tells of each lease that is taken or renewed (`owner`) or given back (null), until the returned function is called. */
  followLeases(listener: (trunkId: string, owner: string | null) => void, clock: Clock, logger: Logger): () => void {
    return this.follow(REGISTRATION_LEASES, (key, value) => { listener(key, value); }, clock, logger);
  }

  /** Tells how each registration stands, now and whenever that changes. */
  followStates(listener: (trunkId: string, state: RegistrationState | null) => void, clock: Clock, logger: Logger): () => void {
    return this.follow(REGISTRATIONS, (key, value) => { listener(key, value === null ? null : JSON.parse(value) as RegistrationState); }, clock, logger);
  }

  /** A watch that ends, for whatever reason, is begun again. */
  private follow(name: string, listener: (key: string, value: string | null) => void, clock: Clock, logger: Logger): () => void {
    let stopped = false;
    let stop = (): void => undefined;
    const watch = async (): Promise<void> => {
      try {
        const entries = await (await this.bucket(name)).watch();
        stop = () => { entries.stop(); };
        if (stopped) { stop(); return; }
        for await (const entry of entries) listener(entry.key, entry.operation === 'PUT' ? entry.string() : null);
      } catch (error) {
        logger.debug('a bucket cannot be followed', { bucket: name, error: errorMessage(error) });
      }
      if (!stopped && !this.nc.isClosed()) stop = clock.after(REOPEN_MS, () => { void watch(); });
    };
    void watch();
    return () => { stopped = true; stop(); };
  }

  private async unlessTaken(name: string, act: (bucket: KV) => Promise<number>): Promise<number | undefined> {
    try {
      return await act(await this.bucket(name));
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === WRONG_REVISION) return undefined;
      // The bucket may be gone with the broker's disk: the next attempt makes it anew.
      if (error instanceof JetStreamError) this.buckets.delete(name);
      throw error;
    }
  }

  private bucket(name: string): Promise<KV> {
    const known = this.buckets.get(name);
    if (known) return known;
    const opening = new Kvm(this.nc).create(name, { history: 1, timeout: REQUEST_TIMEOUT_MS, ...(name === REGISTRATION_LEASES ? { ttl: this.leaseTtlMs } : {}) });
    this.buckets.set(name, opening);
    opening.catch(() => { this.buckets.delete(name); });
    return opening;
  }
}
