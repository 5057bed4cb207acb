interface Headers { getHeader(name: string): string | undefined; getHeaders(name: string): string[] }

const MAX_LENGTH = 200;

/** ITU-T Q.850 causes that carriers send most. */
const Q850: Readonly<Record<string, string>> = {
  1: 'unallocated number', 2: 'no route to transit network', 3: 'no route to destination', 16: 'normal call clearing', 17: 'user busy', 18: 'no user responding',
  19: 'no answer from user', 20: 'subscriber absent', 21: 'call rejected', 22: 'number changed', 26: 'non-selected user clearing', 27: 'destination out of order',
  28: 'invalid number format', 29: 'facility rejected', 31: 'normal, unspecified', 34: 'no circuit available', 38: 'network out of order', 41: 'temporary failure',
  42: 'switching equipment congestion', 44: 'requested circuit not available', 47: 'resource unavailable', 50: 'requested facility not subscribed', 55: 'incoming calls barred',
  57: 'bearer capability not authorized', 58: 'bearer capability not available', 63: 'service not available', 65: 'bearer capability not implemented',
  79: 'service not implemented', 87: 'user not member of closed user group', 88: 'incompatible destination', 102: 'recovery on timer expiry', 111: 'protocol error', 127: 'interworking',
};

/** What a far end said of a refusal, in one line: its phrase, then Reason (RFC 3326), Warning (RFC 3261 §20.43), Unsupported and Retry-After. `ours`: what we know of it. */
export function refusalReason(phrase: string, response: Headers, ours?: string): string {
  const said = [
    ours,     ...response.getHeaders('reason').map(reasonText), ...response.getHeaders('warning').map(warningText),
    ...response.getHeaders('unsupported').map(unsupportedText), retryText(response.getHeader('retry-after')),
  ].filter((text): text is string => text !== undefined && text.toLowerCase() !== phrase.toLowerCase());
  return short(said.length === 0 ? phrase : `${phrase} (${[...new Set(said)].join('; ')})`);
}

/** `Q.850;cause=21;text="Call Rejected"` → `Q.850 cause 21: Call Rejected`. */
export function reasonText(value: string): string | undefined {
  const protocol = /^\s*([A-Za-z0-9.-]{1,20})/.exec(value)?.[1];
  if (protocol === undefined) return undefined;
  const cause = /;\s*cause\s*=\s*(\d{1,3})(?!\d)/i.exec(value)?.[1];
  const text = quoted(/;\s*text\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;",]+)/i.exec(value)?.[1]) || (protocol.toUpperCase() === 'Q.850' && cause !== undefined ? Q850[cause] : undefined);
  return short([cause === undefined ? protocol : `${protocol} cause ${cause}`, text].filter(Boolean).join(': '));
}

/** `399 sbc1 "No route"` → `No route`. */
const warningText = (value: string): string | undefined => quoted(/^\s*\d{3}\s+\S+\s+("(?:[^"\\]|\\.)*")/.exec(value)?.[1]) || undefined;

const unsupportedText = (value: string): string | undefined => (value.trim() === '' ? undefined : `unsupported there: ${value.trim()}`);

function retryText(value: string | undefined): string | undefined {
  const seconds = /^\s*(\d{1,9})/.exec(value ?? '')?.[1];
  return seconds === undefined ? undefined : `to be tried again after ${seconds} s`;
}

const quoted = (text: string | undefined): string => (text === undefined ? '' : text.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1'));

const short = (text: string): string => {
  const line = text.replace(/[\x00-\x1f\x7f]+/g, ' ').trim();
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line;
};
