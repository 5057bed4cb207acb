import { isIP } from 'node:net';
import type { TrunkPlan } from '@dialfleet/call';
import type { TrunkCheckReport, TrunkCheckStep, TrunkEntry } from '@dialfleet/fleet';
import { errorMessage, within, type Clock } from '@dialfleet/kit';
import { DnsLocator, probeTcp, probeTls, trunkDestination, type NameService, type SipEndpoint, type SipTarget, type StandaloneAnswer } from '@dialfleet/telephony';
import { addressWords, codecWords, hostAndPort, mediaWords, optionsWords, reachWords, registrationWords, skipped, tlsWords, type Finding } from './trunk-check-words.js';

type CheckEndpoint = Pick<SipEndpoint, 'queryOptions' | 'createRegistrar' | 'announcedAddress'>;

export interface TrunkCheckParts {
  workerId: string;
  /** Asks anew, whatever was remembered. */
  names(): NameService;
  towards(trunk: TrunkPlan): Promise<CheckEndpoint>;
  clock: Clock;
}

const DNS_WITHIN_MS = 2_000;
const CONNECT_WITHIN_MS = 2_000;
const ANSWER_WITHIN_MS = 3_500;
const ALL_WITHIN_MS = 8_000;
const MAX_TARGETS = 4;

/** Tries everything about a trunk but a call, within 8 s, and tells it in plain words. The trunk goes on working meanwhile. */
export class TrunkCheck {
  constructor(private readonly parts: TrunkCheckParts) {}

  /** Never rejects. */
  async run(entry: TrunkEntry): Promise<TrunkCheckReport> {
    const { workerId, clock } = this.parts;
    const steps: TrunkCheckStep[] = [];
    const isDone = await within(clock, ALL_WITHIN_MS, this.try(entry, steps).then(() => true, (error: unknown) => {
      steps.push({ name: 'check', outcome: 'failed', detail: `${sentence(errorMessage(error))}.` });
      return true;
    }));
    const told = [...steps, ...(isDone ? [] : [{ name: 'check', outcome: 'failed' as const, detail: `The rest took longer than ${ALL_WITHIN_MS / 1000} s and was left out.` }])];
    return { ok: told.every(({ outcome }) => outcome !== 'failed'), workerId, steps: told };
  }

  private async try(entry: TrunkEntry, steps: TrunkCheckStep[]): Promise<void> {
    const add = async (name: string, find: Promise<Finding>): Promise<Finding> => {
      const startedMs = this.parts.clock.monotonicMs();
      const finding = await find.catch((error: unknown): Finding => ({ outcome: 'failed', detail: `${errorMessage(error)}.` }));
      steps.push({ name, ...finding, durationMs: Math.round(this.parts.clock.monotonicMs() - startedMs) });
      return finding;
    };
    const { trunk } = entry;
    const found = await this.servers(trunk);
    await add('dns', Promise.resolve(found.finding));
    if (found.targets.length === 0) {
      for (const name of ['reachability', 'options', 'registration', 'codecs']) await add(name, Promise.resolve(skipped('No server was found.')));
      return;
    }
    const endpoint = await this.parts.towards(trunk);
    const targets = found.targets.filter(({ address }) => !isBeyond(address, endpoint.announcedAddress)).slice(0, MAX_TARGETS);
    if (targets.length === 0) {
      await add('reachability', Promise.resolve({ outcome: 'failed', detail: `${found.targets.map(hostAndPort).join(', ')} can only be reached over IPv6, and this worker announces ${endpoint.announcedAddress}: give the trunk an IPv4 host, or the worker an IPv6 address.` }));
      for (const name of ['options', 'registration', 'codecs']) await add(name, Promise.resolve(skipped('No server can be reached.')));
      return;
    }
    if (trunk.transport !== 'udp') await this.connections(targets, add);
    await this.answers(entry, targets, endpoint, add);
    await add('media', Promise.resolve(mediaWords(trunk)));
  }

  private async connections(targets: readonly SipTarget[], add: AddStep): Promise<void> {
    const { clock } = this.parts;
    const isSecure = targets[0].transport === 'tls' || targets[0].transport === 'wss';
    const tls = isSecure ? probeTls(targets[0], CONNECT_WITHIN_MS, clock) : undefined;
    const reached = await add('reachability', Promise.all(targets.map(async (target) => {
      const probe = await probeTcp(target, CONNECT_WITHIN_MS, clock);
      return probe.connected ? { target } : { target, reason: probe.reason };
    })).then(reachWords));
    if (tls) await add('tls', reached.outcome === 'failed' ? Promise.resolve(skipped('Nothing could be connected to.')) : tls.then((probe) => tlsWords(probe, clock.nowMs())));
  }

  private async answers(entry: TrunkEntry, targets: readonly SipTarget[], endpoint: CheckEndpoint, add: AddStep): Promise<void> {
    const { trunk } = entry;
    const asked = Promise.all(targets.map(async (target) => ({ target, answer: await endpoint.queryOptions(trunk, target, ANSWER_WITHIN_MS) })));
    const registration = entry.register ? this.queryRegistrar(entry, targets, endpoint) : undefined;
    const registered = await registration;
    const answers = await asked;
    if (trunk.transport === 'udp') await add('reachability', Promise.resolve(udpWords(answers, registered?.answered === true)));
    await add('options', Promise.resolve(optionsWords(answers, registered?.answered === true)));
    await add('registration', Promise.resolve(registered ? registrationWords(registered, entry) : skipped('The trunk does not register.')));
    const sdp = answers.map(({ answer }) => (answer.answered ? answer.message.body : '')).find((body) => body.includes('m=audio'));
    await add('codecs', Promise.resolve(registered?.answered === true || answers.some(({ answer }) => answer.answered) ? codecWords(sdp, trunk) : skipped('No server answered.')));
    await add('address', Promise.resolve(addressWords(endpoint.announcedAddress, targets[0].address)));
  }

  /** A query leaves the live registration alone (RFC 3261 §10.2.3). */
  private async queryRegistrar({ trunk }: TrunkEntry, targets: readonly SipTarget[], endpoint: Pick<SipEndpoint, 'createRegistrar'>): Promise<StandaloneAnswer> {
    const answers = await Promise.all(targets.map((target) => endpoint.createRegistrar({ trunk, instance: 'check' }).query(target, ANSWER_WITHIN_MS)));
    return answers.find((answer) => answer.answered) ?? answers[0];
  }

  private async servers(trunk: TrunkPlan): Promise<{ targets: SipTarget[]; finding: Finding }> {
    const names = this.parts.names();
    const destination = trunkDestination(trunk);
    const { host, port, transport } = destination;
    const locator = new DnsLocator({ clock: this.parts.clock, names });
    const located = within(this.parts.clock, DNS_WITHIN_MS, locator.locate(destination)).catch((error: unknown) => errorMessage(error));
    const [targets, records] = await Promise.all([located, port === undefined && !isIP(host) ? within(this.parts.clock, DNS_WITHIN_MS, recordsOf(host, names)) : undefined]);
    const what = records ? ` (${records})` : '';
    if (targets === undefined) return { targets: [], finding: { outcome: 'failed', detail: `The name service did not answer for ${host} within ${DNS_WITHIN_MS / 1000} s: check the name servers of the worker.` } };
    if (typeof targets === 'string') return { targets: [], finding: { outcome: 'failed', detail: `${sentence(targets)}${what}. Check the spelling of ${trunk.outboundProxy === undefined ? 'host' : 'outbound_proxy'}, and the transport.` } };
    if (isIP(host)) return { targets, finding: { outcome: 'ok', detail: `${host} is an address: there is nothing to look up.` } };
    return { targets, finding: { outcome: 'ok', detail: `${host} leads over ${transport.toUpperCase()} to ${targets.map(hostAndPort).join(', ')}${what}.` } };
  }
}

/** An endpoint that announces an IPv4 address has no IPv6 sockets. */
const isBeyond = (address: string, announced: string): boolean => isIP(address) === 6 && isIP(announced) === 4;

type AddStep = (name: string, find: Promise<Finding>) => Promise<Finding>;
type Answers = readonly { target: SipTarget; answer: StandaloneAnswer }[];

/** Datagrams have no connection: any answer will do. */
function udpWords(answers: Answers, registrarAnswered: boolean): Finding {
  if (answers.every(({ answer }) => !answer.answered) && registrarAnswered) return { outcome: 'ok', detail: 'The registrar answers.' };
  const probes = answers.map(({ target, answer }) => (answer.answered ? { target } : { target, reason: answer.reason }));
  const finding = reachWords(probes);
  return { ...finding, detail: finding.detail.replace('takes connections', 'answers').replace('take connections', 'answer').replace('No connection to', 'No answer from') };
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What NAPTR and SRV say, in a few words. Never rejects. */
async function recordsOf(host: string, names: NameService): Promise<string> {
  const quiet = <T>(asked: Promise<readonly T[]>): Promise<readonly T[]> => asked.catch(() => []);
  const services = ['_sip._udp', '_sip._tcp', '_sips._tcp'];
  const [naptr, ...srv] = await Promise.all([quiet(names.naptr(host)), ...services.map((service) => quiet(names.srv(`${service}.${host}`)))]);
  const pointers = naptr.map(({ service, replacement }) => `${service} → ${replacement}`).join(', ');
  const servers = srv.flatMap((records, i) => (records.length === 0 ? [] : [`SRV ${services[i]}: ${records.map((record) => `${record.name}:${record.port}`).join(', ')}`]));
  return [naptr.length === 0 ? 'no NAPTR' : `NAPTR: ${pointers}`, ...(servers.length === 0 ? ['no SRV'] : servers)].join('; ').slice(0, 500);
}
