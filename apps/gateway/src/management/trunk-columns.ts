import { normaliseNumber } from '@dialfleet/call';
import { bareHost, type FieldProblem, type TrunkRegistration, type TrunkRequest, type TrunkTlsView, type TrunkView } from '@dialfleet/contracts';
import type { TrunkModel } from '@dialfleet/database';
import type { RegistrationState } from '@dialfleet/fleet';
import { invalid } from '../http/problem.js';

/** The columns of a validated request, without its secrets; numbers as calls compare them. @throws ProblemError 422 */
export function trunkColumns(request: TrunkRequest) {
  const problems: FieldProblem[] = [];
  const number = (raw: string, path: string): string => {
    const result = normaliseNumber(raw, { defaultCountry: request.default_country, allowSipUser: request.allow_sip_user });
    if (result.ok) return result.value;
    problems.push({ path, message: result.message });
    return raw;
  };
  const numbers = {
    defaultFromNumber: number(request.default_from_number, 'default_from_number'),
    callerIds: (request.numbers ?? []).map((raw, i) => number(raw, `numbers.${i}`)),
  };
  if (problems.length > 0) throw invalid(problems);
  return { ...numbers, ...reach(request), ...account(request), ...signalling(request), ...rules(request) };
}

const orNull = <T>(value: T | undefined): T | null => value ?? null;

const reach = (request: TrunkRequest) => ({
  name: request.name, host: bareHost(request.host), port: orNull(request.port), transport: request.transport, outboundProxy: orNull(request.outbound_proxy),
  tlsServerName: request.tls?.server_name === undefined ? null : bareHost(request.tls.server_name), tlsCa: orNull(request.tls?.ca), tlsCertificate: orNull(request.tls?.certificate),
  wsPath: orNull(request.ws_path), tcpForLargeRequests: request.tcp_for_large_requests ?? true, keepAliveSeconds: request.keep_alive_seconds ?? 30,
});

const account = (request: TrunkRequest) => ({
  username: orNull(request.username), fromDomain: request.from_domain === undefined ? null : bareHost(request.from_domain),
  register: request.register ?? false, registerExpiresSeconds: request.register_expires_seconds ?? 3600,
  inboundSources: request.inbound_sources ?? [], inboundAuth: request.inbound_auth ?? false,
});

const signalling = (request: TrunkRequest) => ({
  codecs: request.codecs ?? ['PCMU', 'PCMA'], srtp: request.srtp ?? 'off', identityHeader: request.identity_header ?? 'none', privacy: request.privacy ?? false,
  redirectHosts: (request.redirect_hosts ?? []).map(bareHost), allowRefer: request.allow_refer ?? false,
  sessionExpiresSeconds: request.session_expires_seconds ?? 1800, reliableProvisional: request.reliable_provisional ?? 'supported',
});

const rules = (request: TrunkRequest) => ({
  maxCalls: orNull(request.max_calls), maxCps: orNull(request.max_cps), dialFormat: request.dial_format ?? '{e164}', defaultCountry: orNull(request.default_country),
  allowedPrefixes: request.allowed_prefixes ?? [], allowSipUser: request.allow_sip_user ?? false,
});

/** The stored trunk as the request that would make it, without its secrets. */
export const requestOf = (row: TrunkModel) => ({
  name: row.name, host: row.host, port: row.port, transport: row.transport, username: row.username, from_domain: row.fromDomain,
  register: row.register, register_expires_seconds: row.registerExpiresSeconds, default_from_number: row.defaultFromNumber, numbers: row.callerIds,
  codecs: row.codecs, srtp: row.srtp, max_calls: row.maxCalls, max_cps: row.maxCps, dial_format: row.dialFormat, default_country: row.defaultCountry,
  allowed_prefixes: row.allowedPrefixes, inbound_sources: row.inboundSources, inbound_auth: row.inboundAuth, allow_sip_user: row.allowSipUser,
  outbound_proxy: row.outboundProxy, identity_header: row.identityHeader, privacy: row.privacy, tls: tlsOf(row), ws_path: row.wsPath,
  tcp_for_large_requests: row.tcpForLargeRequests, redirect_hosts: row.redirectHosts, allow_refer: row.allowRefer,
  session_expires_seconds: row.sessionExpiresSeconds, reliable_provisional: row.reliableProvisional, keep_alive_seconds: row.keepAliveSeconds,
});

function tlsOf(row: TrunkModel): TrunkTlsView | null {
  const tls: TrunkTlsView = {
    ...(row.tlsServerName === null ? {} : { server_name: row.tlsServerName }),
    ...(row.tlsCa === null ? {} : { ca: row.tlsCa }),
    ...(row.tlsCertificate === null ? {} : { certificate: row.tlsCertificate }),
  };
  return Object.keys(tls).length > 0 ? tls : null;
}

export const trunkView = (row: TrunkModel, registration: TrunkRegistration | null): TrunkView => ({
  trunk_id: row.id, ...requestOf(row), has_password: row.password !== null, has_client_key: row.tlsKey !== null, registration,
  created_at: row.createdAt.toISOString(), updated_at: row.updatedAt.toISOString(),
});

/** A binding that nobody refreshes lapses in its time, whatever was said of it last. */
export function registrationView({ workerId, registered, since, lastAnswer, expiresAt }: RegistrationState, nowMs: number): TrunkRegistration {
  const hasLapsed = registered && expiresAt !== null && Date.parse(expiresAt) <= nowMs;
  return {
    registered: registered && !hasLapsed, since: hasLapsed ? expiresAt : since, last_answer: lastAnswer, expires_at: hasLapsed ? null : expiresAt, worker_id: workerId,
  };
}
