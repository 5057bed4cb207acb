import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, errors, request as undiciRequest, type Dispatcher } from 'undici';
import { judgeAddress, mayConnect } from './address-guard.js';
import type { Cidr } from './allow-list.js';
import { EgressError } from './egress-error.js';
import { checkHeaders } from './request-headers.js';

export interface EgressRequest {
  /** https; http only when every address of the host is in `allow`. No credentials in it. */
  url: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** For everything together: DNS, connecting, TLS, sending, waiting, and a body that drips. */
  timeoutMs: number;
  /** Reading stops here; see `truncated`. */
  maxResponseBytes: number;
  /** Ranges reachable besides public addresses (`parseAllowList`). */
  allow: readonly Cidr[];
  signal?: AbortSignal;
  /** Name resolution, for tests; the system's by default. Its answers are guarded all the same. */
  resolve?: Resolve;
}

export interface EgressResponse {
  status: number;
  /** Lower-case names; repeated ones joined by ", ". */
  headers: Record<string, string>;
  body: Buffer;
  /** The body was longer than `maxResponseBytes`. */
  truncated: boolean;
}

export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/**
 * The only way out over HTTP. Refuses private destinations as written and as resolved (checked on the very addresses
 * that are connected to, so a name cannot change in between), follows no redirect, reuses no connection, sends no
 * cookies, and ends in time.
 * @throws EgressError
 */
export async function egressFetch(options: EgressRequest): Promise<EgressResponse> {
  const url = checkUrl(options.url, options.allow);
  const headers = checkHeaders(options.headers ?? {});
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  const agent = guardedAgent(url.protocol, options);
  try {
    const response = await undiciRequest(url, { method: options.method, headers, body: options.body, dispatcher: agent, signal, headersTimeout: 0, bodyTimeout: 0 });
    return { status: response.statusCode, headers: flatHeaders(response.headers), ...await readCapped(response.body, options.maxResponseBytes) };
  } catch (error) {
    throw asEgressError(error, url, deadline.aborted, options);
  } finally {
    agent.destroy().catch(() => undefined);
  }
}

function checkUrl(text: string, allow: readonly Cidr[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['https:', 'http:'].includes(url.protocol)) throw new EgressError('invalid_url', 'the URL must begin with https://');
  if (url.username !== '' || url.password !== '') throw new EgressError('invalid_url', 'the URL must not hold a user name or password: use the auth setting');
  // The URL parser has turned 0x7f.1, 2130706433 and the like into the address they mean.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) checkAddress(host, url.hostname, url.protocol, allow);
  return url;
}

function checkAddress(address: string, hostname: string, protocol: string, allow: readonly Cidr[]): void {
  const verdict = judgeAddress(address, allow);
  if (mayConnect(verdict, protocol)) return;
  if (verdict === 'public') throw new EgressError('https_required', `plain http to ${hostname} is not allowed: use https`);
  throw new EgressError('blocked_address', `${hostname} is not a public address; the operator can allow it with DIALFLEET_EGRESS_ALLOW`);
}

/** One connection, no keep-alive: a pushed result is rare next to its cost, and a stale socket would cost a retry. */
function guardedAgent(protocol: string, options: EgressRequest): Agent {
  return new Agent({
    pipelining: 0, connections: 1,
    connect: { timeout: options.timeoutMs, autoSelectFamily: true, lookup: guardedLookup(protocol, options.allow, options.resolve ?? systemResolve) },
  });
}

/** Resolves and judges in one step: net.connect gets exactly the addresses that passed, and nothing asks again. */
function guardedLookup(protocol: string, allow: readonly Cidr[], resolve: Resolve): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    resolve(hostname).then((addresses) => {
      if (addresses.length === 0) throw new EgressError('dns_failed', `${hostname} has no address`);
      const reachable = addresses.filter(({ address }) => mayConnect(judgeAddress(address, allow), protocol));
      if (reachable.length === 0) checkAddress(addresses[0].address, hostname, protocol, allow);
      if (lookupOptions.all) callback(null, reachable);
      else callback(null, reachable[0].address, reachable[0].family);
    }).catch((error: NodeJS.ErrnoException) => { callback(error, [], 0); });
  };
}

const systemResolve: Resolve = (hostname) => new Promise((resolve, reject) => {
  dnsLookup(hostname, { all: true }, (error, addresses) => { if (error) reject(error); else resolve(addresses); });
});

async function readCapped(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<{ body: Buffer; truncated: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) break;
  }
  return { body: Buffer.concat(chunks).subarray(0, maxBytes), truncated: bytes > maxBytes };
}

const flatHeaders = (headers: Dispatcher.ResponseData['headers']): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]])));

const dnsCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ENODATA', 'ESERVFAIL']);
const connectCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE', 'EADDRNOTAVAIL', 'ETIMEDOUT', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT']);

function asEgressError(error: unknown, url: URL, deadlinePassed: boolean, options: EgressRequest): EgressError {
  const egressError = withinCauses(error);
  if (egressError) return egressError;
  const cause = { cause: error };
  if (deadlinePassed) return new EgressError('timeout', `no complete answer from ${url.hostname} within ${options.timeoutMs} ms`, cause);
  if (options.signal?.aborted) return new EgressError('aborted', 'the request was abandoned', cause);
  const code = errorCode(error);
  if (error instanceof errors.InvalidArgumentError) return new EgressError('invalid_header', error.message, cause);
  if (dnsCodes.has(code)) return new EgressError('dns_failed', `${url.hostname} could not be resolved (${code})`, cause);
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)|CERT/.test(code)) return new EgressError('tls_failed', `TLS with ${url.hostname} failed (${code})`, cause);
  if (connectCodes.has(code)) return new EgressError('connect_failed', `connection to ${url.host} failed (${code})`, cause);
  return new EgressError('protocol_error', `${url.host} did not answer in HTTP (${code || 'unknown error'})`, cause);
}

/** Happy eyeballs wraps the errors of its tries in an AggregateError. */
function withinCauses(error: unknown): EgressError | undefined {
  if (error instanceof EgressError) return error;
  if (error instanceof AggregateError) return error.errors.map(withinCauses).find((e) => e !== undefined);
  return error instanceof Error && error.cause !== undefined ? withinCauses(error.cause) : undefined;
}

function errorCode(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0]);
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
