import type { TrunkPlan } from '@dialfleet/call';
import type { TrunkCheckStep, TrunkEntry } from '@dialfleet/fleet';
import type { CertificateFacts, SipTarget, StandaloneAnswer, TlsProbe } from '@dialfleet/telephony';
import ipaddr from 'ipaddr.js';

/** What a step found, before it is timed. */
export type Finding = Pick<TrunkCheckStep, 'outcome' | 'detail'>;

const ok = (detail: string): Finding => ({ outcome: 'ok', detail });
const warning = (detail: string): Finding => ({ outcome: 'warning', detail });
const failed = (detail: string): Finding => ({ outcome: 'failed', detail });
export const skipped = (detail: string): Finding => ({ outcome: 'skipped', detail });

export const hostAndPort = ({ address, port }: Pick<SipTarget, 'address' | 'port'>): string => `${address.includes(':') ? `[${address}]` : address}:${port}`;
const nameOf = (target: SipTarget): string => `${target.transport.toUpperCase()} ${hostAndPort(target)}`;

const DAY_MS = 86_400_000;
const EXPIRES_SOON_MS = 14 * DAY_MS;
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export function reachWords(probes: readonly { target: SipTarget; reason?: string }[]): Finding {
  const reached = probes.filter(({ reason }) => reason === undefined).map(({ target }) => nameOf(target));
  const missed = probes.filter(({ reason }) => reason !== undefined).map(({ target, reason }) => `${nameOf(target)} (${reason})`);
  if (missed.length === 0) return ok(`${reached.join(', ')} ${reached.length === 1 ? 'takes' : 'take'} connections.`);
  const advice = 'Check port and transport, and that no firewall stands between';
  if (reached.length > 0) return warning(`${reached.join(', ')} ${reached.length === 1 ? 'takes' : 'take'} connections, ${missed.join(', ')} did not: calls go to the others. ${advice}.`);
  return failed(`No connection to ${missed.join(', ')}. ${advice}.`);
}

export function tlsWords({ protocol, name, chain, fault }: TlsProbe, nowMs: number): Finding {
  const shown = chain.length === 0 ? '' : ` It shows ${chain.map(certificateWords).join(', then ')}.`;
  if (fault !== undefined) return failed(`No call goes over this connection: ${fault}.${shown} ${adviceOnTls(fault)}`);
  const soonest = Math.min(...chain.map(({ validUntilMs }) => validUntilMs));
  const words = `${protocol ?? 'TLS'}; the certificate is trusted and is for ${name}.${shown}`;
  return soonest - nowMs < EXPIRES_SOON_MS ? warning(`${words} A certificate ends on ${dateOf(soonest)}: the carrier should renew it now.`) : ok(words);
}

const certificateWords = ({ subject, issuer, validUntilMs }: CertificateFacts): string => `${subject} by ${issuer}, valid until ${dateOf(validUntilMs)}`;

function adviceOnTls(fault: string): string {
  if (/is for /.test(fault)) return 'Set host, or tls.server_name, to a name in the certificate.';
  if (/self-signed|authority/.test(fault)) return 'Put the certificate of the authority that the carrier uses into tls.ca.';
  if (/client certificate/.test(fault)) return 'Put the certificate and key that the carrier gave you into tls.certificate and tls.key.';
  if (/expired/.test(fault)) return 'The carrier must renew it.';
  if (/does not speak TLS/.test(fault)) return 'Check port and transport.';
  return 'Check host, port and transport.';
}

/** `others`: the registrar answered, so somebody is there. */
export function optionsWords(answers: readonly { target: SipTarget; answer: StandaloneAnswer }[], others: boolean): Finding {
  const silent = answers.filter(({ answer }) => !answer.answered);
  const heard = answers.flatMap(({ target, answer }) => (answer.answered ? [{ target, message: answer.message }] : []));
  const missing = silent.map(({ target, answer }) => `${nameOf(target)} (${answer.answered ? '' : answer.reason})`).join(', ');
  if (heard.length === 0) {
    return others ? warning(`OPTIONS was not answered by ${missing}, but other requests are: calls may work all the same.`)
      : failed(`OPTIONS was not answered by ${missing}. Check host, port and transport, firewalls, and whether the carrier must let the address of this worker in.`);
  }
  const { target, message } = heard[0];
  const who = message.getHeader('server') ?? message.getHeader('user-agent');
  const allow = message.getHeader('allow');
  const words = `${nameOf(target)} answers ${message.statusCode} ${message.reasonPhrase ?? ''}${who === undefined ? '' : `, it is ${printable(who)}`}${allow === undefined ? '' : `, and takes ${printable(allow)}`}.`;
  if (silent.length > 0) return warning(`${words} No answer from ${missing}.`);
  return judged(message.statusCode ?? 0, words);
}

function judged(sipStatus: number, words: string): Finding {
  if (sipStatus < 300 || [404, 405, 481, 483, 484, 488, 501].includes(sipStatus)) return ok(sipStatus < 300 ? words : `${words} Any answer to OPTIONS means that a SIP server is there.`);
  if (sipStatus === 401 || sipStatus === 407) return warning(`${words} It wants other credentials, or none of ours are set: check username and password if calls are refused with the same status.`);
  if (sipStatus === 403) return warning(`${words} The server does not know us: ask the carrier to let the address of this worker in, or set username and password.`);
  return sipStatus >= 500 ? failed(`${words} The server is there and out of service: ask the carrier.`) : warning(words);
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);

export function registrationWords(answer: StandaloneAnswer, { trunk }: TrunkEntry): Finding {
  if (!answer.answered) return failed(`The registrar did not answer: ${answer.reason}.`);
  const sipStatus = answer.message.statusCode ?? 0;
  const said = `${sipStatus} ${answer.message.reasonPhrase ?? ''}`;
  const bindings = answer.message.getHeaders('contact').length;
  if (sipStatus >= 200 && sipStatus < 300) return ok(`The registrar takes username and password (${said}) and lists ${bindings} registration${bindings === 1 ? '' : 's'}.`);
  return refusedRegistration(sipStatus, said, trunk);
}

function refusedRegistration(sipStatus: number, said: string, { username, password, fromDomain, host }: TrunkPlan): Finding {
  if (sipStatus === 401 || sipStatus === 407) return failed(password === undefined ? `The registrar wants a password (${said}): set it.` : `The registrar does not take username and password (${said}): check both.`);
  if (sipStatus === 403) return failed(`The registrar forbids it (${said}): check username and password, and whether the account is bound to another address.`);
  if (sipStatus === 404) return failed(`The registrar knows no ${printable(username ?? '')} at ${fromDomain ?? host} (${said}): check username and from_domain.`);
  if (sipStatus === 405 || sipStatus === 501) return failed(`No registrations are taken there (${said}): the carrier may know you by your address; then set register to false.`);
  if (sipStatus === 400) return warning(`The registrar does not answer a query (${said}); the registration itself may work: see the trunk's registration.`);
  return failed(`The registrar refuses (${said}).`);
}

const STATIC_NAMES: Readonly<Record<string, string>> = { 0: 'PCMU', 8: 'PCMA', 9: 'G722' };

/** Codecs of an SDP's audio line, by name; undefined when it has none. */
export function codecsOf(sdp: string): string[] | undefined {
  const formats = /^m=audio \d+ \S+ ([0-9 ]+)/m.exec(sdp)?.[1].trim().split(/ +/);
  if (!formats) return undefined;
  const named = new Map([...sdp.matchAll(/^a=rtpmap:(\d+) ([A-Za-z0-9._-]+)\//gm)].map((match) => [match[1], match[2]]));
  return formats.flatMap((format) => named.get(format) ?? STATIC_NAMES[format] ?? []).filter((name) => !/^(telephone-event|CN)$/i.test(name));
}

export function codecWords(sdp: string | undefined, { codecs }: TrunkPlan): Finding {
  const theirs = sdp === undefined ? undefined : codecsOf(sdp);
  if (theirs === undefined) return ok(`The server does not say which codecs it has; we offer ${codecs.join(', ')}.`);
  const common = codecs.filter((codec) => theirs.some((name) => name.toLowerCase() === codec.toLowerCase()));
  if (common.length > 0) return ok(`Both have ${common.join(', ')}; the server names ${theirs.join(', ')}.`);
  return failed(`The server names ${theirs.join(', ') || 'none'}, the trunk ${codecs.join(', ')}: calls would be refused with 488. Add one of theirs to codecs.`);
}

export function mediaWords({ transport, srtp = 'off' }: TrunkPlan): Finding {
  const isSecure = transport === 'tls' || transport === 'wss';
  if (srtp === 'off') return ok(isSecure ? 'Signalling is encrypted, voice is not: set srtp to optional or required if the carrier has it.' : 'Neither signalling nor voice is encrypted.');
  if (!isSecure) return warning(`Voice is encrypted (srtp ${srtp}), but its keys travel readable over ${transport}: use transport tls.`);
  return ok(srtp === 'required' ? 'Signalling and voice are encrypted; calls that cannot be are refused.' : 'Signalling is encrypted, and voice where the carrier has SRTP.');
}

/** Whether the far end can reach what we announce. Addresses without brackets. */
export function addressWords(ours: string, theirs: string): Finding {
  if (!ipaddr.isValid(ours) || !ipaddr.isValid(theirs)) return ok(`Calls and voice are asked to come to ${ours}.`);
  const [here, there] = [ipaddr.process(ours).range(), ipaddr.process(theirs).range()];
  if (there === 'unicast' && here !== 'unicast') return warning(`We announce ${ours}, which nobody on the internet can reach: set DIALFLEET_ADVERTISED_ADDRESS to the public address, or calls may stay silent.`);
  return ok(`Calls and voice are asked to come to ${ours}.`);
}
