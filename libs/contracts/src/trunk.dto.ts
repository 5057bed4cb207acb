import { DIAL_FORMAT, isSupportedCountryCode } from '@dialfleet/call';
import { ApiProperty, ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import {
  ArrayMaxSize, ArrayMinSize, ArrayUnique, Equals, IsArray, IsBoolean, IsIn, IsInt, IsNotEmpty, IsNumber, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateBy, type ValidationOptions,
} from 'class-validator';
import ipaddr from 'ipaddr.js';

/** IPv4, or a name whose last label is not a number: what looks like an address must be one (RFC 1123 §2.1). */
const HOST = /^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.(?!$)|$)){4}$|^(?=.{1,253}$)(?!(.*\.)?[0-9]+\.?$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?$/;
/** Printable, and nothing that would end or split a SIP header or a digest parameter. */
const CREDENTIAL = /^[\x20-\x7e]*$/;

const IsCountry = (): PropertyDecorator => ValidateBy({
  name: 'isCountry',
  validator: { validate: (value) => typeof value === 'string' && isSupportedCountryCode(value), defaultMessage: () => 'must be an ISO 3166-1 alpha-2 country such as US' },
});

const IsAddressRange = (options: ValidationOptions): PropertyDecorator => ValidateBy({
  name: 'isAddressRange',
  validator: { validate: (value) => typeof value === 'string' && isAddressRange(value), defaultMessage: () => 'each must be an address, or a range such as 203.0.113.0/24' },
}, options);

function isAddressRange(text: string): boolean {
  const [base, bits = '0', ...rest] = text.split('/');
  const maxBits = ipaddr.IPv4.isValidFourPartDecimal(base) ? 32 : ipaddr.IPv6.isValid(base) && !base.includes('%') ? 128 : -1;
  return rest.length === 0 && /^[0-9]{1,3}$/.test(bits) && Number(bits) <= maxBits;
}

/** `POST /api/v1/trunks`. */
export class TrunkRequest {
  @ApiProperty()
  @IsString() @IsNotEmpty() @MaxLength(200)
  name!: string;

  @ApiProperty({ example: 'sip.carrier.example', description: 'Name or address of the carrier' })
  @IsString() @Matches(HOST, { message: 'must be a host name or an IPv4 address; IPv6 trunks are not supported yet' })
  host!: string;

  @ApiProperty({ example: 5060 })
  @IsInt() @Min(1) @Max(65535)
  port!: number;

  @ApiProperty({ enum: ['udp', 'tcp'] })
  @IsIn(['udp', 'tcp'], { message: 'must be udp or tcp; tls, ws and wss trunks are not supported yet' })
  transport!: 'udp' | 'tcp';

  @ApiPropertyOptional()
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(256) @Matches(CREDENTIAL, { message: 'must be printable ASCII' })
  username?: string;

  @ApiPropertyOptional({ writeOnly: true })
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(256) @Matches(CREDENTIAL, { message: 'must be printable ASCII' })
  password?: string;

  @ApiPropertyOptional({ description: "Host part of From; default: the worker's address" })
  @IsOptional() @IsString() @Matches(HOST, { message: 'must be a host name or address' })
  from_domain?: string;

  @ApiPropertyOptional({ default: false })
  @IsOptional() @IsBoolean() @Equals(false, { message: 'registering trunks are not supported yet' })
  register?: boolean;

  @ApiProperty({ example: '+14155550100' })
  @IsString() @IsNotEmpty() @MaxLength(64)
  default_from_number!: string;

  @ApiPropertyOptional({ type: [String], description: 'Further caller ids that calls may show' })
  @IsOptional() @IsArray() @ArrayMaxSize(1000) @IsString({ each: true }) @MaxLength(64, { each: true })
  numbers?: string[];

  @ApiPropertyOptional({ enum: ['PCMU', 'PCMA'], isArray: true, default: ['PCMU', 'PCMA'] })
  @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayUnique() @IsIn(['PCMU', 'PCMA'], { each: true, message: 'may be PCMU and PCMA; other codecs are not supported yet' })
  codecs?: ('PCMU' | 'PCMA')[];

  @ApiPropertyOptional({ enum: ['off'], default: 'off' })
  @IsOptional() @IsIn(['off'], { message: 'must be off; SRTP is not supported yet' })
  srtp?: 'off';

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

  @ApiPropertyOptional({ default: false, description: 'Test trunks: to_number may be a SIP user such as echo' })
  @IsOptional() @IsBoolean()
  allow_sip_user?: boolean;
}

export class TrunkPatch extends PartialType(TrunkRequest) {}

export class TrunkView {
  @ApiProperty() trunk_id!: string;
  @ApiProperty() name!: string;
  @ApiProperty() host!: string;
  @ApiProperty() port!: number;
  @ApiProperty() transport!: string;
  @ApiProperty({ nullable: true, type: String }) username!: string | null;
  @ApiProperty({ description: 'The password itself is never shown' }) has_password!: boolean;
  @ApiProperty({ nullable: true, type: String }) from_domain!: string | null;
  @ApiProperty() register!: boolean;
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
  @ApiProperty() allow_sip_user!: boolean;
  @ApiProperty({ format: 'date-time' }) created_at!: string;
  @ApiProperty({ format: 'date-time' }) updated_at!: string;
}
