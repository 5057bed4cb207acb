import type { SipTransportName, TrunkPlan } from '@dialfleet/call';
import { Grammar } from 'sip.js/lib/grammar/grammar.js';
import type { URI } from 'sip.js/lib/grammar/uri.js';
import { parseUri, splitAtCommas } from '../message/fast-grammar.js';
import { trunkDestination, type TrunkAddress } from './invite-headers.js';
import type { Invitee } from './invite-attempts.js';

export type RedirectPolicy = TrunkAddress & Pick<TrunkPlan, 'redirectHosts'>;

export interface Redirection { contacts: Invitee<URI>[]; barred: string[] }

/** More are not looked at: what is unusual in them takes the slow parser. */
const MAX_CONTACTS = 12;
/** Of a redirected INVITE the new one takes only the address: these would change where it goes, or what it says. */
const DROPPED = /\?.*$|;(?:maddr|method|ttl|lr)(?:=[^;?]*)?(?=[;?]|$)/gi;

/**
 * The Contact values of a 3xx → whom to invite, best first (RFC 3261 §8.1.3.4, §20.10). Only the trunk's own host and
 * those it may redirect to: elsewhere the call would go at the word of whoever answers.
 */
export function redirection(contactValues: readonly string[], trunk: RedirectPolicy): Redirection {
  const allowed = new Set([trunk.host, ...trunk.redirectHosts ?? []].map((host) => host.toLowerCase()));
  const listed = contactValues.slice(0, MAX_CONTACTS).flatMap(contactsOf).slice(0, MAX_CONTACTS).map((contact, order) => ({ ...contact, order })).sort((a, b) => b.q - a.q || a.order - b.order);
  const contacts: Invitee<URI>[] = [];
  const barred = new Set<string>();
  for (const number of numbersIn(contactValues)) barred.add(number);
  for (const { uri } of listed) {
    const host = bareHost(uri.host);
    const transport = transportFor(uri, trunk.transport);
    if (!allowed.has(host.toLowerCase())) barred.add(host);
    else if (transport === undefined) barred.add(`${host} over ${uri.getParam('transport') ?? 'an open transport'}`);
    else contacts.push({ uri, destination: destination(host, uri, transport, trunk) });
  }
  return { contacts, barred: [...barred] };
}

function destination(host: string, uri: URI, transport: SipTransportName, trunk: RedirectPolicy): Invitee<URI>['destination'] {
  if (trunk.outboundProxy !== undefined) return trunkDestination(trunk);
  const isOwn = host.toLowerCase() === trunk.host.toLowerCase();
  // A certificate is expected for the host that the redirection names.
  const tls = trunk.tls && !isOwn ? { ...trunk.tls, serverName: undefined } : trunk.tls;
  const port = uri.port ?? (isOwn && transport === trunk.transport ? trunk.port : undefined);
  return { host, transport, ...(port === undefined ? {} : { port }), ...(tls ? { tls } : {}), ...(trunk.wsPath === undefined ? {} : { wsPath: trunk.wsPath }) };
}

/** `tel:` URIs: a call to a number that whoever answers chooses is not ours to place. */
const numbersIn = (values: readonly string[]): string[] => values.slice(0, MAX_CONTACTS).flatMap((value) => value.match(/\btel:[^\s<>;,"]{1,40}/gi) ?? []);

interface Contact { uri: URI; q: number }

function contactsOf(value: string): Contact[] {
  return splitAtCommas(value).slice(0, MAX_CONTACTS).flatMap(([from, to]) => {
    const text = value.slice(from, to).trim();
    const unnamed = text.replace(/^"(?:[^"\\]|\\.)*"/, '');
    const address = (/<([^<>]*)>/.exec(unnamed)?.[1] ?? unnamed.split(';')[0]).trim().replace(DROPPED, '');
    const uri = parseUri(address) ?? Grammar.URIParse(address);
    if (!uri || !/^sips?$/i.test(uri.scheme)) return [];
    const q = Number(/;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)/i.exec(text.slice(text.lastIndexOf('>') + 1))?.[1] ?? 1);
    return [{ uri, q: Math.min(1, q) }];
  });
}

const isTransport = (name: string): name is SipTransportName => ['udp', 'tcp', 'tls', 'ws', 'wss'].includes(name);
const isProtected = (transport: SipTransportName): boolean => transport === 'tls' || transport === 'wss';

/** The transport that the URI asks for; undefined when it asks for less protection than the trunk has, or for what we do not know. */
function transportFor(uri: URI, trunkTransport: SipTransportName): SipTransportName | undefined {
  const named = uri.getParam('transport')?.toLowerCase();
  if (named !== undefined && !isTransport(named)) return undefined;
  const wanted = uri.scheme.toLowerCase() === 'sips' && (named === undefined || named === 'tcp') ? 'tls' : named ?? trunkTransport;
  if (isProtected(trunkTransport) && named === 'tcp') return 'tls';
  return isProtected(trunkTransport) && !isProtected(wanted) ? undefined : wanted;
}

const bareHost = (host: string): string => host.replace(/^\[|\]$/g, '');
