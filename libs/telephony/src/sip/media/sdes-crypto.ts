import { randomBytes } from 'node:crypto';
import type { SrtpPolicy } from '@dialfleet/call';
import type { SrtpParameters, SrtpSuite } from '../../media-session.js';
import { SdpError } from './sdp.js';

/** One `a=crypto` line that we can use (RFC 4568 §4, §6). */
export interface CryptoAttribute {
  tag: number;
  suite: SrtpSuite;
  /** base64 of 30 bytes: master key and salt. */
  key: string;
  /** Master key identifier in each packet of this key, as hexadecimal. */
  mki?: string;
}

/** What a media line says about protection. */
export interface ProtectedLine { protocol: string; crypto: readonly string[] }

/** In our order of preference: the short tag saves 6 bytes a packet and is easier to forge. */
const SUITES: readonly SrtpSuite[] = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'];
const MASTER_BYTES = 30;
/** 30 bytes are 40 characters without padding. */
const KEY_PATTERN = /^[A-Za-z0-9+/]{40}$/;
/** At 50 packets a second it lasts for 5.8 hours: a key that is to be changed sooner is refused, for we never change ours. */
const LEAST_LIFETIME = 2 ** 20;
const MAX_LIFETIME = 2 ** 48;
const MAX_MKI_BYTES = 128;

const isSuite = (name: string): name is SrtpSuite => (SUITES as readonly string[]).includes(name);

/**
 * `value`: after `crypto:`. `null`: malformed, another suite, several keys, too short a lifetime, or session parameters
 * that would change the protection (RFC 4568 §6.3: one that is not understood makes the line unusable). Only WSH, a hint,
 * and optional parameters (with a hyphen) are let pass.
 */
export function parseCrypto(value: string): CryptoAttribute | null {
  const [tag, suite, keyParameters, ...sessionParameters] = value.trim().split(/[ \t]+/);
  if (!/^\d{1,9}$/.test(tag) || suite === undefined || keyParameters === undefined || !isSuite(suite)) return null;
  if (!sessionParameters.every((parameter) => parameter.startsWith('-') || /^WSH=\d{1,9}$/i.test(parameter))) return null;
  const key = parseKey(keyParameters);
  return key && { tag: Number(tag), suite, ...key };
}

/** `inline:` key and salt, then a lifetime and an MKI, either of which may be absent (RFC 4568 §6.1). */
function parseKey(text: string): Pick<CryptoAttribute, 'key' | 'mki'> | null {
  const match = /^inline:([^|;]+)(?:\|(2\^\d{1,2}|\d{1,15}))?(?:\|(\d{1,20}):(\d{1,3}))?$/i.exec(text);
  if (!match) return null;
  const [, key, lifetime, mki, mkiBytes] = match;
  if (!KEY_PATTERN.test(key) || (lifetime !== undefined && !isLongEnough(lifetime))) return null;
  if (mki === undefined) return { key };
  const hex = mkiHex(BigInt(mki), Number(mkiBytes));
  return hex === null ? null : { key, mki: hex };
}

function isLongEnough(lifetime: string): boolean {
  const packets = lifetime.startsWith('2^') ? 2 ** Number(lifetime.slice(2)) : Number(lifetime);
  return packets >= LEAST_LIFETIME && packets <= MAX_LIFETIME;
}

function mkiHex(value: bigint, bytes: number): string | null {
  if (bytes < 1 || bytes > MAX_MKI_BYTES) return null;
  const hex = value.toString(16).padStart(2 * bytes, '0');
  return hex.length === 2 * bytes ? hex : null;
}

const writeCrypto = (tag: number, suite: SrtpSuite, key: string): string => `crypto:${tag} ${suite} inline:${key}`;

/** Whether a media line asks for SRTP in its very protocol: no plain answer is possible. */
export const isSavp = (protocol: string): boolean => /^RTP\/SAVPF?$/i.test(protocol);
export const isPlainAvp = (protocol: string): boolean => /^RTP\/AVPF?$/i.test(protocol);

/**
 * SDES (RFC 4568) for the audio stream of one dialog under a trunk's policy. Our key of each suite is made once and kept
 * over re-INVITEs, so that neither rollover counters nor replay lists begin again for nothing.
 *
 * - `off`: we offer plain RTP and ignore `a=crypto`; a stream that must be SRTP is refused.
 * - `optional`: we offer `RTP/AVP` with `a=crypto`. Who knows nothing of it ignores the attribute and answers plainly,
 *   which `RTP/SAVP` or a second media line would not get from many a carrier. Either answer is taken. Who insists on
 *   `RTP/SAVP` says 488 and gets it (`insist`).
 * - `required`: we offer `RTP/SAVP`, and take only what is protected.
 */
export class SdesNegotiation {
  private readonly ownKeys = new Map<SrtpSuite, string>();
  /** Of our last description, which may be offered again as it is (RFC 4028 §7.4). */
  private tags = new Map<number, SrtpSuite>();
  private agreedSuite: SrtpSuite | null = null;
  /** The far end spoke SAVP: so do we from then on. */
  private savp: boolean;

  constructor(private readonly policy: SrtpPolicy) { this.savp = policy === 'required'; }

  /** Protocol and attributes of an offer. */
  offer(): { protocol: string; attributes: string[] } {
    if (this.policy === 'off') return { protocol: 'RTP/AVP', attributes: [] };
    for (const suite of SUITES) this.renewUnlessInUse(suite);
    this.tags = new Map(SUITES.map((suite, i) => [i + 1, suite]));
    return { protocol: this.savp ? 'RTP/SAVP' : 'RTP/AVP', attributes: SUITES.map((suite, i) => writeCrypto(i + 1, suite, this.ownKey(suite))) };
  }

  /** After 488 to an offer: whether there is a better one to make, with `RTP/SAVP`. */
  insist(): boolean {
    const mayHelp = this.policy === 'optional' && !this.savp;
    this.savp ||= mayHelp;
    return mayHelp;
  }

  /** The protection that an answer to our offer means; undefined: none. Throws SdpError where policy or RFC forbid it. */
  applyAnswer(line: ProtectedLine): SrtpParameters | undefined {
    const chosen = this.policy === 'off' ? undefined : line.crypto.map(parseCrypto).find((attribute) => attribute !== null && this.tags.get(attribute.tag) === attribute.suite);
    if (chosen) return this.agreed(chosen, line.protocol);
    if (line.crypto.length > 0 && this.policy !== 'off') throw new SdpError('the answer\'s SRTP key cannot be used');
    this.refuseUnprotected(line);
    return undefined;
  }

  /** How well an offered media line suits the policy: the highest above 0 is to be answered. */
  suitability({ protocol, crypto }: ProtectedLine): number {
    const canProtect = this.policy !== 'off' && crypto.some((value) => parseCrypto(value) !== null);
    if (isSavp(protocol)) return canProtect ? 3 : 0;
    if (!isPlainAvp(protocol) || (this.policy === 'required' && !canProtect)) return 0;
    return canProtect ? 2 : 1;
  }

  /** Our side of an offered line. Throws SdpError where policy or RFC forbid it. */
  answer(line: ProtectedLine): { srtp: SrtpParameters | undefined; attributes: string[] } {
    const chosen = this.policy === 'off' ? null : line.crypto.map(parseCrypto).find((attribute) => attribute !== null) ?? null;
    if (!chosen) {
      this.refuseUnprotected(line);
      return { srtp: undefined, attributes: [] };
    }
    this.tags = new Map([[chosen.tag, chosen.suite]]);
    this.renewUnlessInUse(chosen.suite);
    const srtp = this.agreed(chosen, line.protocol);
    return { srtp, attributes: [writeCrypto(chosen.tag, chosen.suite, srtp.sendKey)] };
  }

  private agreed({ suite, key, mki }: CryptoAttribute, protocol: string): SrtpParameters {
    if (isSavp(protocol)) this.savp = true;
    this.agreedSuite = suite;
    return { suite, sendKey: this.ownKey(suite), receiveKey: key, ...(mki === undefined ? {} : { receiveMki: mki }) };
  }

  private refuseUnprotected({ protocol }: ProtectedLine): void {
    if (this.policy === 'required') throw new SdpError('the trunk requires SRTP, and the far end gives no usable key');
    if (isSavp(protocol)) throw new SdpError(this.policy === 'off' ? 'the far end requires SRTP, which is off for this trunk' : 'the far end requires SRTP and gives no usable key');
    // Counters begin again with the next protection, and so must keys.
    this.ownKeys.clear();
    this.agreedSuite = null;
  }

  /** A key that was in use and then was not must not come back: its counters would begin again under it. */
  private renewUnlessInUse(suite: SrtpSuite): void {
    if (this.agreedSuite !== null && suite !== this.agreedSuite) this.ownKeys.delete(suite);
  }

  private ownKey(suite: SrtpSuite): string {
    const key = this.ownKeys.get(suite) ?? randomBytes(MASTER_BYTES).toString('base64');
    this.ownKeys.set(suite, key);
    return key;
  }
}
