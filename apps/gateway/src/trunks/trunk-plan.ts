import type { CodecName, IdentityHeader, SipTransportName, SrtpPolicy, TrunkPlan, TrunkTls } from '@dialfleet/call';
import type { SecretBox, TrunkRow } from '@dialfleet/database';
import type { TrunkEntry } from '@dialfleet/fleet';

/** A stored trunk as workers need it, secrets opened. */
export function trunkPlan(row: TrunkRow, box: SecretBox): TrunkPlan {
  return {
    trunkId: row.id, host: row.host, transport: row.transport as SipTransportName, codecs: row.codecs as CodecName[], srtp: row.srtp as SrtpPolicy,
    identityHeader: row.identity_header as IdentityHeader, privacy: row.privacy, tcpForLargeRequests: row.tcp_for_large_requests,
    redirectHosts: row.redirect_hosts, allowRefer: row.allow_refer, sessionExpiresSeconds: row.session_expires_seconds,
    reliableProvisional: row.reliable_provisional as TrunkPlan['reliableProvisional'], keepAliveSeconds: row.keep_alive_seconds,
    dialling: { format: row.dial_format, allowedPrefixes: row.allowed_prefixes, allowSipUser: row.allow_sip_user, ...given({ defaultCountry: row.default_country }) },
    ...given({
      port: row.port, username: row.username, password: opened(row.password, box), fromDomain: row.from_domain, outboundProxy: row.outbound_proxy,
      tls: tlsPlan(row, box), wsPath: row.ws_path,
    }),
  };
}

/** The same with what a worker must know to register it and to recognise its callers. */
export const trunkEntry = (row: TrunkRow, box: SecretBox): TrunkEntry => ({
  workspaceId: row.workspace_id, trunk: trunkPlan(row, box), register: row.register, registerExpiresSeconds: row.register_expires_seconds,
  inboundSources: row.inbound_sources, inboundAuth: row.inbound_auth,
});

function tlsPlan(row: TrunkRow, box: SecretBox): TrunkTls | null {
  const tls: TrunkTls = given({ serverName: row.tls_server_name, ca: row.tls_ca, certificate: row.tls_certificate, key: opened(row.tls_key, box) });
  return Object.keys(tls).length > 0 ? tls : null;
}

const opened = (sealed: string | null, box: SecretBox): string | null => (sealed === null ? null : box.open(sealed));

/** Without the columns that are empty. */
const given = <T extends object>(columns: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== null)) as { [K in keyof T]?: NonNullable<T[K]> };
