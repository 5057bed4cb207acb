import type { CallPlan, TrunkPlan } from '@dialfleet/call';

/** `fleet.inbound`: a worker holds an INVITE from one of these trunks and asks what to do with it. */
export interface InboundRequest {
  workerId: string;
  epoch: string;
  /** The trunks that the source address or the digest credentials may stand for. */
  trunkIds: string[];
  /** User part of the request URI: the number called, as the carrier wrote it. */
  calledUser: string;
  /** A call to the Contact of a registration names the number elsewhere (To, P-Called-Party-ID): tried after `calledUser`. */
  alsoCalled?: string[];
  /** User part of P-Asserted-Identity, else of From; empty for an anonymous caller. */
  callerUser: string;
  /** SIP Call-ID and From tag: the same INVITE asked twice gets the same call. */
  sipCallId: string;
  fromTag: string;
  /** Header fields that say something about the call (`X-…`, Diversion, …) by lower-case name: they become `call.*`. */
  headers: Record<string, string>;
}

export type InboundDecision =
  /** A slot of the asking worker is used; `plan.announcement` set: say it and hang up. */
  | { action: 'take'; plan: CallPlan }
  | { action: 'refuse'; sipStatus: number; reason: string; retryAfterSeconds?: number };

/** A trunk as every worker knows it: to recognise who calls in, and to register. */
export interface TrunkEntry {
  workspaceId: string;
  trunk: TrunkPlan;
  register: boolean;
  registerExpiresSeconds: number;
  /** CIDRs whose INVITEs are taken. */
  inboundSources: string[];
  /** Callers from elsewhere may authenticate with the trunk's username and password. */
  inboundAuth: boolean;
}

/** `fleet.trunks`: the trunks of all workspaces in order of their ids, a page at a time (messages are bounded). */
export interface TrunkDirectoryRequest {
  /** Id of the last trunk of the page before. */
  after?: string;
}
export interface TrunkDirectoryReply { trunks: TrunkEntry[]; /** Absent: that was the last page. */ next?: string }

/** In the KV bucket `registrations`, key: trunk id; written by the worker that owns the registration. */
export interface RegistrationState {
  trunkId: string;
  workerId: string;
  registered: boolean;
  /** ISO 8601: since when `registered` has been so. */
  since: string;
  /** The registrar's last word; status null: none (time-out, unreachable), `reason` says what happened. */
  lastAnswer: { status: number | null; reason: string; at: string };
  /** ISO 8601; null while not registered. */
  expiresAt: string | null;
  /** RFC 3608: Route values for calls through the trunk. */
  serviceRoute?: string[];
}

export interface TrunkCheckStep {
  /** `dns` | `reachability` | `tls` | `options` | `registration` | `codecs` … */
  name: string;
  outcome: 'ok' | 'failed' | 'skipped' | 'warning';
  /** One plain sentence. */
  detail: string;
  durationMs?: number;
}
/** `ok`: no step failed. */
export interface TrunkCheckReport { ok: boolean; workerId: string; steps: TrunkCheckStep[] }
