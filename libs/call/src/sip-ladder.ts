/** One SIP message of a call as it went over the wire, for people who look for a fault. Secrets are masked. */
export interface LadderMessage {
  /** ISO 8601. */
  at: string;
  direction: 'sent' | 'received';
  /** `UDP`, `TCP`, `TLS`, `WS`, `WSS`. */
  transport: string;
  /** `address:port` of the other side. */
  peer: string;
  /** `INVITE sip:… SIP/2.0` or `SIP/2.0 200 OK`. */
  startLine: string;
  /** Header fields one per line; credentials and digest responses masked. */
  headers: string;
  /** The session description, SRTP keys masked; bodies of other types are left out. */
  sdp?: string;
}
