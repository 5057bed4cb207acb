import { randomBytes } from 'node:crypto';
import type { SipTransportName } from '@dialfleet/call';
import { isWebSocket, protocolOf, type Hop } from './sip-socket.js';
import { withVia, type WireMessage } from '../message/wire.js';

type Way = Pick<Hop, 'transport' | 'localPort'>;

/**
 * How we name ourselves in Via and Contact, which depends on the way a message takes (RFC 3261 §18.1.1): the port where
 * we listen for that transport, else our end of the connection. A WebSocket client cannot be reached but through its
 * connection, so it has a random name under `.invalid` (RFC 7118 §5).
 */
export class OwnAddress {
  private readonly ports = new Map<SipTransportName, number>();
  private readonly webSocketHost = `${randomBytes(8).toString('hex')}.invalid`;
  private readonly contactPattern: RegExp;

  /** @param host name or address, IPv6 in brackets */
  constructor(readonly host: string) {
    const hosts = [host, this.webSocketHost].map((name) => name.replace(/[.[\]]/g, '\\$&')).join('|');
    this.contactPattern = new RegExp(`(\\r\\nContact: [^\\r\\n]*?<sip:(?:[^@>\\r\\n]*@)?)(?:${hosts})(?::\\d+)?(?:;transport=[a-z]+)?(?=[;>])`);
  }

  listening(transport: SipTransportName, port: number): void { this.ports.set(transport, port); }

  isListening(transport: SipTransportName): boolean { return this.ports.has(transport); }

  sentBy(way: Way): string {
    const port = this.ports.get(way.transport);
    if (port === undefined && isWebSocket(way.transport)) return this.webSocketHost;
    const known = port ?? way.localPort;
    return known === undefined ? this.host : `${this.host}:${known}`;
  }

  /** `host:port;transport=tls`: what follows the user part of our Contact. */
  contactPart(way: Way): string {
    return way.transport === 'udp' ? this.sentBy(way) : `${this.sentBy(way)};transport=${way.transport}`;
  }

  /** The message with our Contact as it must be for this way. */
  withContact(text: string, way: Way): string {
    const part = this.contactPart(way);
    return text.includes(`@${part}`) ? text : text.replace(this.contactPattern, (_all, before: string) => before + part);
  }

  /** A request of ours with Via and Contact for this way. Its branch stays, by which the response finds its transaction. */
  withOwnNames(message: WireMessage, way: Way, contactWay: Way = way): string {
    const via = `SIP/2.0/${protocolOf[way.transport]} ${this.sentBy(way)};branch=${message.branch ?? ''}${way.transport === 'udp' ? ';rport' : ''}`;
    return this.withContact(via === message.via ? message.text : withVia(message, via), contactWay);
  }
}
