import type { SipTransportName, TrunkTls } from '@dialfleet/call';

/** One server a request can be sent to: a trunk's destination after look-up (RFC 3263 §4). */
export interface SipTarget {
  transport: SipTransportName;
  /** IP address. */
  address: string;
  port: number;
  /** What was looked up: the certificate must be for it (RFC 5922 §7), and WebSockets name it in `Host`. */
  hostname: string;
  tls?: TrunkTls;
  wsPath?: string;
}

/** What a trunk, an outbound proxy or a URI names. */
export interface SipDestination {
  host: string;
  /** Absent: NAPTR and SRV are asked. */
  port?: number;
  transport: SipTransportName;
  tls?: TrunkTls;
  wsPath?: string;
}

/** What a TLS or WSS listener shows; PEM text. */
export interface ServerTls {
  certificate: string;
  key: string;
  /** Only clients with a certificate of this authority are let in. */
  clientCa?: string;
}

export interface ServerLocator {
  /** In the order to try (RFC 2782), those that failed lately last. Rejects with UnresolvedHostError. */
  locate(destination: SipDestination): Promise<SipTarget[]>;
  /** It did not answer, said 503, or could not be reached: others go first for a while, `forMs` where its 503 said how long. */
  failed(target: SipTarget, forMs?: number): void;
}
