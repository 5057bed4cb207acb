/**
 * What this endpoint understands, in one place: the intake refuses by these lists, and our own messages announce them.
 */

/** Methods with a meaning to us, in or outside a dialog (`Allow`). */
export const ALLOWED_METHODS = ['ACK', 'BYE', 'CANCEL', 'INFO', 'INVITE', 'NOTIFY', 'OPTIONS', 'PRACK', 'REFER', 'UPDATE'] as const;
export const ALLOW_HEADER = `Allow: ${ALLOWED_METHODS.join(', ')}`;

/** Registered methods: what is not among them gets 501 (RFC 3261 §21.5.2), what is but is not ours 405 (§8.2.1). */
export const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'ACK', 'BYE', 'CANCEL', 'INFO', 'INVITE', 'MESSAGE', 'NOTIFY', 'OPTIONS', 'PRACK', 'PUBLISH', 'REFER', 'REGISTER', 'SUBSCRIBE', 'UPDATE',
]);

/** Never answered with more than 405 outside a dialog. The others are for the dialog, or for who handles them, to judge. */
export const REFUSED_METHODS: ReadonlySet<string> = new Set(['MESSAGE', 'PUBLISH', 'REGISTER', 'SUBSCRIBE']);

/** Methods that exist within a dialog only: without one there is nothing they could mean (481), and sip.js throws. */
export const DIALOG_METHODS: ReadonlySet<string> = new Set(['PRACK', 'UPDATE']);

/** The methods of an Allow header; undefined when there was none: then nothing is known. */
export function methodsOf(allow: readonly string[]): ReadonlySet<string> | undefined {
  return allow.length === 0 ? undefined : new Set(allow.join(',').split(',').map((method) => method.trim().toUpperCase()).filter(Boolean));
}

/** Option tags that a peer may `Require` of us (RFC 3261 §8.2.2.3). An extension that comes to be adds its tag here. */
export const SUPPORTED_EXTENSIONS: ReadonlySet<string> = new Set<string>(['100rel', 'timer']);

/** Bodies that an INVITE may carry. */
export const ACCEPT_HEADER = 'Accept: application/sdp';

/** URI schemes of a request URI. `tel` is rewritten (RFC 3261 §19.1.6). */
export const URI_SCHEMES: ReadonlySet<string> = new Set(['sip', 'sips', 'tel']);
