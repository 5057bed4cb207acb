import type { LadderMessage } from '@dialfleet/call';
import type { Clock } from '@dialfleet/kit';
import type { Peer } from './wire.js';

const MAX_MESSAGES = 60;
const MAX_BYTES = 64 * 1024;
/** Of a call with more, the beginning is kept and the end; this many at the beginning. */
const KEPT_FIRST = 20;

interface Entry { text: string; direction: LadderMessage['direction']; transport: string; peer: Peer; atMs: number; repeated: number }

/**
 * The messages of live calls as they went over the wire, by Call-ID. Kept as they are and dressed for people only when
 * taken: a set-up must not wait for it.
 */
export class SipLadders {
  private readonly calls = new Map<string, { entries: Entry[]; bytes: number; omitted: number }>();

  constructor(private readonly clock: Clock) {}

  get size(): number { return this.calls.size; }

  /** From now on messages with this Call-ID are kept. */
  begin(callId: string): void {
    if (!this.calls.has(callId)) this.calls.set(callId, { entries: [], bytes: 0, omitted: 0 });
  }

  end(callId: string): void { this.calls.delete(callId); }

  has(callId: string): boolean { return this.calls.has(callId); }

  add(callId: string, direction: LadderMessage['direction'], text: string, peer: Peer, transport: string): void {
    const call = this.calls.get(callId);
    if (!call) return;
    const repeated = call.entries.find((entry) => entry.direction === direction && entry.text === text);
    if (repeated) { repeated.repeated++; return; }
    call.entries.push({ text, direction, transport, peer, atMs: this.clock.nowMs(), repeated: 0 });
    call.bytes += text.length;
    while (call.entries.length > MAX_MESSAGES || (call.bytes > MAX_BYTES && call.entries.length > 1)) {
      const [gone] = call.entries.splice(Math.min(KEPT_FIRST, call.entries.length - 2), 1);
      call.bytes -= gone.text.length;
      call.omitted++;
    }
  }

  /** What was kept since the last `take`. */
  take(callId: string): LadderMessage[] {
    const call = this.calls.get(callId);
    if (!call) return [];
    const { entries, omitted } = call;
    Object.assign(call, { entries: [], bytes: 0, omitted: 0 });
    const afterGap = omitted > 0 ? Math.min(KEPT_FIRST, entries.length - 1) : -1;
    return entries.map((entry, index) => ({ ...ladderMessage(entry), ...(index === afterGap ? { omittedBefore: omitted } : {}) }));
  }
}

function ladderMessage({ text, direction, transport, peer, atMs, repeated }: Entry): LadderMessage {
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end < 0 ? undefined : end);
  const lineEnd = head.indexOf('\r\n');
  const startLine = lineEnd < 0 ? head : head.slice(0, lineEnd);
  const headers = lineEnd < 0 ? '' : plainHeaders(head.slice(lineEnd));
  const body = end < 0 ? '' : text.slice(end + 4);
  const isSdp = body !== '' && SDP_TYPE.test(headers);
  return {
    at: new Date(atMs).toISOString(), direction, transport, peer: `${peer.address.includes(':') ? `[${peer.address}]` : peer.address}:${peer.port}`,
    startLine: maskUri(startLine), headers,
    ...(isSdp ? { sdp: maskSdp(body) } : {}), ...(repeated > 0 ? { repeated } : {}),
  };
}

const SDP_TYPE = /^(?:Content-Type|c)[ \t]*:[ \t]*application\/sdp\b/im;
/** Most messages hold no secret: one look at them all is much cheaper than one at each line. */
const MAY_HOLD_SECRETS = /\n(?:Proxy-Auth|Auth|WWW-Auth|Identity|y[ \t]*:|X-)|sips?:[^:@<>\s]{0,512}:[^@<>\s]{0,1024}@/i;

const FOLDED = /\n[ \t]/;

/** `\r\nA: b\r\nC: d` → one line each, secrets masked. */
function plainHeaders(text: string): string {
  const lines = (FOLDED.test(text) ? text.replace(/\r\n[ \t]+/g, ' ') : text).replaceAll('\r\n', '\n');
  return MAY_HOLD_SECRETS.test(lines) ? lines.slice(1).split('\n').map(maskHeader).join('\n') : lines.slice(1);
}

const CREDENTIALS = /^(?:Proxy-)?(?:Authorization|Authenticate)|^WWW-Authenticate|^Authentication-Info|^Proxy-Authentication-Info/i;
const SECRET_PARAMETER = /\b(response|cnonce|nonce|nextnonce|rspauth|opaque)[ \t]*=[ \t]*(?:"(?:[^"\\]|\\.)*"|[^\s,;]+)/gi;
/** `Basic`, `Bearer` and whatever else is one blob. */
const BLOB_SCHEME = /^((?:Proxy-)?Authorization[ \t]*:[ \t]*)(?!Digest\b)(\S+)[ \t]+.*$/i;

/** A name that ends in a secret must not show it; who it is for may be seen. */
function maskHeader(line: string): string {
  if (CREDENTIALS.test(line)) return line.replace(BLOB_SCHEME, '$1$2 ***').replace(SECRET_PARAMETER, '$1="***"');
  if (/^(?:Identity|y|X-[^:]*(?:key|token|secret|password|auth)[^:]*)[ \t]*:/i.test(line)) return line.replace(/:.*$/, ': ***');
  return maskUri(line);
}

/** `sip:user:password@host` → `sip:user:***@host`. */
const maskUri = (text: string): string => text.replace(/(sips?:[^:@<>\s]{0,512}):[^@<>\s]{0,1024}@/gi, '$1:***@');

/** SDES keys (RFC 4568), ICE passwords (RFC 8839) and the session key of old (`k=`). */
const maskSdp = (sdp: string): string => (SDP_SECRET.test(sdp) ? maskedSdp(sdp) : sdp).replaceAll('\r\n', '\n').trimEnd();

const SDP_SECRET = /inline:|^a=ice-pwd:|^k=/im;
const maskedSdp = (sdp: string): string => sdp.replace(/inline:[^\s|;]+/gi, 'inline:***').replace(/^(a=ice-pwd:).*$/gim, '$1***').replace(/^k=.*$/gim, 'k=***');
