import type { TrunkPlan } from '@dialfleet/call';
import type { TrunkEntry } from '@dialfleet/fleet';
import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
interface Range { network: Address; bits: number; trunkId: string }

/** Where a trunk is dialled at: its carrier signals from there too. */
export type LocateTrunk = (trunk: TrunkPlan) => Promise<readonly string[]>;

const RESOLVE_EVERY_MS = 60_000;
const LOOKUPS_AT_ONCE = 8;

/** Which trunks an address may stand for: by their `inbound_sources`, and by the addresses of their hosts. */
export class InboundSources {
  private ranges: Range[] = [];
  private byHost = new Map<string, readonly string[]>();
  private entries: readonly TrunkEntry[] = [];
  /** Answers for addresses asked about before, until something changes. */
  private readonly answers = new Map<string, readonly string[]>();
  private cancel: () => void = () => undefined;
  private stopped = false;

  constructor(private readonly locate: LocateTrunk, private readonly clock: Clock, private readonly logger: Logger) {}

  learn(entries: readonly TrunkEntry[]): void {
    this.entries = entries;
    this.rebuild();
    void this.resolveHosts();
  }

  /** Ids of the trunks that `address` is a source of; IPv4 in IPv6 counts as IPv4. Empty: a stranger. */
  trunksAt(address: string): readonly string[] {
    const known = this.answers.get(address);
    if (known) return known;
    const found = this.find(address);
    if (this.answers.size >= MAX_ANSWERS) this.answers.clear();
    this.answers.set(address, found);
    return found;
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  private find(address: string): readonly string[] {
    if (!ipaddr.isValid(address)) return [];
    const asked = ipaddr.process(address);
    return [...new Set(this.ranges.filter((range) => contains(range, asked)).map(({ trunkId }) => trunkId))];
  }

  private rebuild(): void {
    this.answers.clear();
    this.ranges = this.entries.flatMap(({ trunk: { trunkId }, inboundSources }) =>
      [...inboundSources, ...this.byHost.get(trunkId) ?? []].flatMap((text) => rangeOf(text, trunkId) ?? []));
  }

  /** A host that does not resolve now keeps the addresses that it had. */
  private async resolveHosts(): Promise<void> {
    this.cancel();
    const { entries } = this;
    const before = this.byHost;
    const after = new Map<string, readonly string[]>();
    for (let i = 0; i < entries.length; i += LOOKUPS_AT_ONCE) {
      await Promise.all(entries.slice(i, i + LOOKUPS_AT_ONCE).map(async ({ trunk }) => {
        try { after.set(trunk.trunkId, await this.locate(trunk)); } catch (error) {
          this.logger.debug('the host of a trunk does not resolve', { trunk_id: trunk.trunkId, error: errorMessage(error) });
          after.set(trunk.trunkId, before.get(trunk.trunkId) ?? []);
        }
      }));
    }
    if (this.stopped || entries !== this.entries) return;
    this.byHost = after;
    this.rebuild();
    this.cancel = this.clock.after(RESOLVE_EVERY_MS, () => { void this.resolveHosts(); });
  }
}

const MAX_ANSWERS = 4096;

const contains = ({ network, bits }: Range, address: Address): boolean =>
  network.kind() === address.kind() && address.match(network as never, bits);

/** Undefined for what is no range: the API takes none such, an old row may hold one. */
function rangeOf(text: string, trunkId: string): Range | undefined {
  try {
    const [base, bits] = text.split('/');
    const address = ipaddr.parse(base);
    const mapped = address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress();
    const network = ipaddr.process(base);
    const widest = network.kind() === 'ipv4' ? 32 : 128;
    const given = bits === undefined ? widest : Number(bits) - (mapped ? 96 : 0);
    return Number.isInteger(given) && given >= 0 && given <= widest ? { network, bits: given, trunkId } : undefined;
  } catch { return undefined; }
}
