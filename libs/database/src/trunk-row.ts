/** A row of `trunks` as `to_jsonb(t)` writes it: the columns that workers and dialling need. */
export interface TrunkRow {
  id: string;
  workspace_id: string;
  host: string;
  port: number | null;
  transport: string;
  username: string | null;
  /** Sealed. */
  password: string | null;
  from_domain: string | null;
  register: boolean;
  register_expires_seconds: number;
  default_from_number: string | null;
  caller_ids: string[];
  codecs: string[];
  srtp: string;
  max_calls: number | null;
  max_cps: number | null;
  dial_format: string;
  default_country: string | null;
  allowed_prefixes: string[];
  /** CIDRs. */
  inbound_sources: string[];
  inbound_auth: boolean;
  allow_sip_user: boolean;
  outbound_proxy: string | null;
  identity_header: string;
  privacy: boolean;
  tls_server_name: string | null;
  /** PEM. */
  tls_ca: string | null;
  /** PEM. */
  tls_certificate: string | null;
  /** PEM, sealed. */
  tls_key: string | null;
  ws_path: string | null;
  tcp_for_large_requests: boolean;
  redirect_hosts: string[];
  allow_refer: boolean;
  session_expires_seconds: number;
  reliable_provisional: string;
  keep_alive_seconds: number;
}
