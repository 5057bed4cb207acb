import { CODEC_NAMES, DIAL_FORMAT, isSupportedCountryCode, type CodecName } from '@dialfleet/call';
import { ApiProperty, ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
import {
  ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsInt, IsNotEmpty, IsNumber, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateBy,
} from 'class-validator';
import { Nested } from './instantiate.js';
import { IsAddressRange, IsHostAndPort, IsSipHost } from './sip-rules.js';

const transports = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;
const srtpPolicies = ['off', 'optional', 'required'] as const;
const identityHeaders = ['none', 'p_asserted_identity', 'p_preferred_identity', 'remote_party_id'] as const;
const reliability = ['off', 'supported', 'required'] as const;
/** Printable, and nothing that would end or split a SIP header or a digest parameter. */
const CREDENTIAL = /^[\x20-\x7e]*$/;

const IsCountry = (): PropertyDecorator => ValidateBy({
  name: 'isCountry',
  validator: { validate: (value) => typeof value === 'string' && isSupportedCountryCode(value), defaultMessage: () => 'must be an ISO 3166-1 alpha-2 country such as US' },
});

/** 0: none. */
const IsSecondsOrZero = (min: number, max: number): PropertyDecorator => ValidateBy({
  name: 'isSecondsOrZero',
  validator: { validate: (value) => Number.isInteger(value) && (value === 0 || (value >= min && value <= max)), defaultMessage: () => `must be 0 or ${min} to ${max} seconds` },
});

/** An absolute path, perhaps with a query, as it stands in a request line. */
const WS_PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]{0,254}$/;

/** TLS towards the trunk. The server's certificate is always verified. */
export class TrunkTlsConfig {
  @ApiPropertyOptional({ example: 'sip.carrier.example', description: "Name to verify and to ask for (SNI); default: the trunk's host" })
  @IsOptional() @IsSipHost()
  server_name?: string;

  @ApiPropertyOptional({ description: "PEM: authorities to trust instead of the system's" })
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(65_536)
  ca?: string;

  @ApiPropertyOptional({ description: 'PEM: the certificate (and its chain) to show when the server asks for one' })
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(32_768)
  certificate?: string;

  @ApiPropertyOptional({ writeOnly: true, description: 'PEM: the private key of `certificate`, without a passphrase' })
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(16_384)
  key?: string;
}

/** `POST /api/v1/trunks`. */
export class TrunkRequest {
  @ApiProperty()
  @IsString() @IsNotEmpty() @MaxLength(200)
  name!: string;

  @ApiProperty({ example: 'sip.carrier.example', description: 'Name or address of the carrier' })
  @IsSipHost()
  host!: string;

  @ApiPropertyOptional({ example: 5060, description: 'Left out: found by NAPTR and SRV (RFC 3263)' })
  @IsOptional() @IsInt() @Min(1) @Max(65535)
  port?: number;

  @ApiProperty({ enum: transports })
  @IsIn(transports, { message: `must be one of ${transports.join(', ')}` })
  transport!: (typeof transports)[number];

  @ApiPropertyOptional()
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(256) @Matches(CREDENTIAL, { message: 'must be printable ASCII' })
  username?: string;

  @ApiPropertyOptional({ writeOnly: true })
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(256) @Matches(CREDENTIAL, { message: 'must be printable ASCII' })
  password?: string;

  @ApiPropertyOptional({ description: "Host part of From; default: the worker's address" })
  @IsOptional() @IsSipHost()
  from_domain?: string;

  @ApiPropertyOptional({ default: false, description: 'REGISTER with username and password, so that calls come in' })
  @IsOptional() @IsBoolean()
  register?: boolean;

  @ApiPropertyOptional({ default: 3600, description: 'Life asked of a registration; the registrar may grant less' })
  @IsOptional() @IsInt() @Min(30) @Max(86_400)
  register_expires_seconds?: number;

  @ApiProperty({ example: '+14155550100' })
  @IsString() @IsNotEmpty() @MaxLength(64)
  default_from_number!: string;

  @ApiPropertyOptional({ type: [String], description: 'Further caller ids that calls may show' })
  @IsOptional() @IsArray() @ArrayMaxSize(1000) @IsString({ each: true }) @MaxLength(64, { each: true })
  numbers?: string[];

  @ApiPropertyOptional({ enum: CODEC_NAMES, isArray: true, default: ['PCMU', 'PCMA'], description: 'In order of preference' })
  @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayUnique() @IsIn(CODEC_NAMES, { each: true, message: 'may be PCMU, PCMA, G722 and opus' })
  codecs?: CodecName[];

  @ApiPropertyOptional({ enum: srtpPolicies, default: 'off' })
  @IsOptional() @IsIn(srtpPolicies, { message: `must be one of ${srtpPolicies.join(', ')}` })
  srtp?: (typeof srtpPolicies)[number];

  @ApiPropertyOptional({ description: 'Calls in progress at most' })
  @IsOptional() @IsInt() @Min(1) @Max(100_000)
  max_calls?: number;

  @ApiPropertyOptional({ description: 'New calls a second at most' })
  @IsOptional() @IsNumber({ allowNaN: false, allowInfinity: false }) @Min(0.1) @Max(10_000)
  max_cps?: number;

  @ApiPropertyOptional({ default: '{e164}', example: '00{digits}', description: '{e164}, {digits} or {national}, with text round it' })
  @IsOptional() @IsString() @MaxLength(64) @Matches(DIAL_FORMAT, { message: 'must hold {e164}, {digits} or {national} once' })
  dial_format?: string;

  @ApiPropertyOptional({ example: 'US', description: 'For numbers without +' })
  @IsOptional() @IsCountry()
  default_country?: string;

  @ApiPropertyOptional({ type: [String], example: ['+1', '+49'], description: 'Numbers that may be dialled; empty: all' })
  @IsOptional() @IsArray() @ArrayMaxSize(500) @Matches(/^\+?[0-9A-Za-z]{1,20}$/, { each: true, message: 'each must be the beginning of a number' })
  allowed_prefixes?: string[];

  @ApiPropertyOptional({ type: [String], example: ['203.0.113.0/24'] })
  @IsOptional() @IsArray() @ArrayMaxSize(200) @IsAddressRange({ each: true })
  inbound_sources?: string[];

  @ApiPropertyOptional({ default: false, description: 'Callers from elsewhere may authenticate with username and password' })
  @IsOptional() @IsBoolean()
  inbound_auth?: boolean;

  @ApiPropertyOptional({ default: false, description: 'Test trunks: to_number may be a SIP user such as echo' })
  @IsOptional() @IsBoolean()
  allow_sip_user?: boolean;

  @ApiPropertyOptional({ example: 'sbc.carrier.example:5061', description: "Where requests go instead of to the host: host, host:port or [v6]:port" })
  @IsOptional() @IsHostAndPort()
  outbound_proxy?: string;

  @ApiPropertyOptional({ enum: identityHeaders, default: 'none', description: 'How the caller id is asserted besides From' })
  @IsOptional() @IsIn(identityHeaders, { message: `must be one of ${identityHeaders.join(', ')}` })
  identity_header?: (typeof identityHeaders)[number];

  @ApiPropertyOptional({ default: false, description: 'The caller id is withheld: anonymous From and Privacy: id' })
  @IsOptional() @IsBoolean()
  privacy?: boolean;

  @ApiPropertyOptional({ type: TrunkTlsConfig, description: 'With transport tls or wss' })
  @IsOptional() @Nested(() => TrunkTlsConfig)
  tls?: TrunkTlsConfig;

  @ApiPropertyOptional({ example: '/sip', description: 'With transport ws or wss: path of the WebSocket; default /' })
  @IsOptional() @IsString() @Matches(WS_PATH, { message: 'must be a path such as /sip' })
  ws_path?: string;

  @ApiPropertyOptional({ default: true, description: 'A request too large for UDP goes over TCP' })
  @IsOptional() @IsBoolean()
  tcp_for_large_requests?: boolean;

  @ApiPropertyOptional({ type: [String], description: "Hosts that a 3xx may send a call to, besides the trunk's own" })
  @IsOptional() @IsArray() @ArrayMaxSize(50) @IsSipHost({ each: true })
  redirect_hosts?: string[];

  @ApiPropertyOptional({ default: false, description: 'A REFER from the far end is carried out' })
  @IsOptional() @IsBoolean()
  allow_refer?: boolean;

  @ApiPropertyOptional({ default: 1800, description: 'Session timer: 90 to 86400, or 0 for none' })
  @IsOptional() @IsSecondsOrZero(90, 86_400)
  session_expires_seconds?: number;

  @ApiPropertyOptional({ enum: reliability, default: 'supported', description: '100rel (RFC 3262)' })
  @IsOptional() @IsIn(reliability, { message: `must be one of ${reliability.join(', ')}` })
  reliable_provisional?: (typeof reliability)[number];

  @ApiPropertyOptional({ default: 30, description: 'Between keep-alives on an idle flow: 5 to 3600, or 0 for none' })
  @IsOptional() @IsSecondsOrZero(5, 3600)
  keep_alive_seconds?: number;
}

export class TrunkPatch extends PartialType(TrunkRequest) {}

/** The private key is never shown. */
export class TrunkTlsView extends OmitType(TrunkTlsConfig, ['key']) {}

export class RegistrationAnswer {
  @ApiProperty({ nullable: true, type: Number, description: 'SIP status; null: none came' }) status!: number | null;
  @ApiProperty() reason!: string;
  @ApiProperty({ format: 'date-time' }) at!: string;
}

export class TrunkRegistration {
  @ApiProperty() registered!: boolean;
  @ApiProperty({ format: 'date-time', description: 'Since when `registered` has been so' }) since!: string;
  @ApiProperty({ description: "The registrar's last word" }) last_answer!: RegistrationAnswer;
  @ApiProperty({ nullable: true, type: String, format: 'date-time' }) expires_at!: string | null;
  @ApiProperty({ description: 'The worker that holds the registration' }) worker_id!: string;
}

export class TrunkView {
  @ApiProperty() trunk_id!: string;
  @ApiProperty() name!: string;
  @ApiProperty() host!: string;
  @ApiProperty({ nullable: true, type: Number }) port!: number | null;
  @ApiProperty() transport!: string;
  @ApiProperty({ nullable: true, type: String }) username!: string | null;
  @ApiProperty({ description: 'The password itself is never shown' }) has_password!: boolean;
  @ApiProperty({ nullable: true, type: String }) from_domain!: string | null;
  @ApiProperty() register!: boolean;
  @ApiProperty() register_expires_seconds!: number;
  @ApiProperty({ nullable: true, type: TrunkRegistration, description: 'Null: the trunk does not register, or nothing is known yet' }) registration!: TrunkRegistration | null;
  @ApiProperty({ nullable: true, type: String }) default_from_number!: string | null;
  @ApiProperty({ type: [String] }) numbers!: string[];
  @ApiProperty({ type: [String] }) codecs!: string[];
  @ApiProperty() srtp!: string;
  @ApiProperty({ nullable: true, type: Number }) max_calls!: number | null;
  @ApiProperty({ nullable: true, type: Number }) max_cps!: number | null;
  @ApiProperty() dial_format!: string;
  @ApiProperty({ nullable: true, type: String }) default_country!: string | null;
  @ApiProperty({ type: [String] }) allowed_prefixes!: string[];
  @ApiProperty({ type: [String] }) inbound_sources!: string[];
  @ApiProperty() inbound_auth!: boolean;
  @ApiProperty() allow_sip_user!: boolean;
  @ApiProperty({ nullable: true, type: String }) outbound_proxy!: string | null;
  @ApiProperty() identity_header!: string;
  @ApiProperty() privacy!: boolean;
  @ApiProperty({ nullable: true, type: TrunkTlsView }) tls!: TrunkTlsView | null;
  @ApiProperty({ description: 'The key itself is never shown' }) has_client_key!: boolean;
  @ApiProperty({ nullable: true, type: String }) ws_path!: string | null;
  @ApiProperty() tcp_for_large_requests!: boolean;
  @ApiProperty({ type: [String] }) redirect_hosts!: string[];
  @ApiProperty() allow_refer!: boolean;
  @ApiProperty() session_expires_seconds!: number;
  @ApiProperty() reliable_provisional!: string;
  @ApiProperty() keep_alive_seconds!: number;
  @ApiProperty({ format: 'date-time' }) created_at!: string;
  @ApiProperty({ format: 'date-time' }) updated_at!: string;
}

export class TrunkCheckStepView {
  @ApiProperty({ example: 'tls', description: 'dns, reachability, tls, options, registration, codecs, address, media; in the order tried' }) name!: string;
  @ApiProperty({ enum: ['ok', 'warning', 'failed', 'skipped'] }) outcome!: string;
  @ApiProperty({ description: 'What was found, and what to do about it' }) detail!: string;
  @ApiPropertyOptional() duration_ms?: number;
}

/** `POST /api/v1/trunks/{id}/check`. */
export class TrunkCheckView {
  @ApiProperty({ description: 'No step failed' }) ok!: boolean;
  @ApiProperty({ description: 'The worker that tried it' }) worker_id!: string;
  @ApiProperty({ type: [TrunkCheckStepView] }) steps!: TrunkCheckStepView[];
}
