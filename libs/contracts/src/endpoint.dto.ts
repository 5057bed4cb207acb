import { ApiProperty, ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsNotEmpty, IsNumber, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateIf } from 'class-validator';
import { Nested } from './instantiate.js';
import { IsHeaderRecord, IsHttpUrl, IsJsonObject } from './rules.js';

const SECRET = /^[\x20-\x7e]+$/;
const SECRET_MESSAGE = { message: 'must be printable ASCII' };

export const authSchemes = ['none', 'bearer', 'basic', 'header'] as const;
export type AuthScheme = (typeof authSchemes)[number];

const needs = (...schemes: AuthScheme[]): PropertyDecorator =>
  ValidateIf((auth: EndpointAuth, value: unknown) => schemes.includes(auth.scheme) || value !== undefined);

/** `bearer` {token}; `basic` {username, password}; `header` {name, value}. All but the scheme is write-only. */
export class EndpointAuth {
  @ApiProperty({ enum: authSchemes })
  @IsIn(authSchemes)
  scheme!: AuthScheme;

  @ApiPropertyOptional({ writeOnly: true })
  @needs('bearer') @IsString() @MaxLength(4096) @Matches(SECRET, SECRET_MESSAGE)
  token?: string;

  @ApiPropertyOptional({ writeOnly: true })
  @needs('basic') @IsString() @MaxLength(256) @Matches(/^[^:\x00-\x1f\x7f]+$/, { message: 'must be text without a colon' })
  username?: string;

  @ApiPropertyOptional({ writeOnly: true })
  @needs('basic') @IsString() @MaxLength(1024)
  password?: string;

  @ApiPropertyOptional({ writeOnly: true })
  @needs('header') @IsString() @IsNotEmpty() @Matches(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/, { message: 'must be the name of an HTTP header' })
  name?: string;

  @ApiPropertyOptional({ writeOnly: true })
  @needs('header') @IsString() @MaxLength(4096) @Matches(SECRET, SECRET_MESSAGE)
  value?: string;
}

export class RateLimit {
  @ApiPropertyOptional({ description: 'Requests a second' })
  @IsOptional() @IsNumber({ allowNaN: false, allowInfinity: false }) @Min(0.01) @Max(1000)
  per_second?: number;

  @ApiPropertyOptional({ description: 'Requests at the same time' })
  @IsOptional() @IsInt() @Min(1) @Max(100)
  concurrency?: number;
}

/** `POST /api/v1/bots/{id}/endpoints`. */
export class EndpointRequest {
  @ApiProperty({ enum: ['webhook', 'crm_push'] })
  @IsIn(['webhook', 'crm_push'])
  kind!: 'webhook' | 'crm_push';

  @ApiProperty({ example: 'https://crm.example/hooks/calls' })
  @IsHttpUrl()
  url!: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string' }, description: 'Write-only values' })
  @IsOptional() @IsHeaderRecord()
  headers?: Record<string, string>;

  @ApiPropertyOptional({ type: EndpointAuth })
  @IsOptional() @Nested(() => EndpointAuth)
  auth?: EndpointAuth;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: { lead_id: '{{crm.customer_id}}', disposition: '{{analysis.disposition}}' } })
  @IsOptional() @IsJsonObject({ maxBytes: 65_536 })
  mapper?: Record<string, unknown>;

  @ApiPropertyOptional({ type: RateLimit })
  @IsOptional() @Nested(() => RateLimit)
  rate_limit?: RateLimit;

  @ApiPropertyOptional({ default: true })
  @IsOptional() @IsBoolean()
  enabled?: boolean;
}

export class EndpointPatch extends PartialType(OmitType(EndpointRequest, ['kind'] as const)) {}

export class EndpointView {
  @ApiProperty() endpoint_id!: string;
  @ApiProperty() bot_id!: string;
  @ApiProperty() kind!: string;
  @ApiProperty() url!: string;
  @ApiProperty({ type: [String], description: 'Names only' }) header_names!: string[];
  @ApiProperty({ enum: authSchemes }) auth_scheme!: string;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true }) mapper!: Record<string, unknown> | null;
  @ApiProperty({ type: RateLimit, nullable: true }) rate_limit!: RateLimit | null;
  @ApiProperty() enabled!: boolean;
  @ApiProperty({ nullable: true, type: String }) disabled_reason!: string | null;
  @ApiProperty({ format: 'date-time' }) created_at!: string;
  @ApiProperty({ format: 'date-time' }) updated_at!: string;
}

export class EndpointCreated extends EndpointView {
  @ApiProperty({ example: 'whsec_…', description: 'Signs every push (Standard Webhooks); shown once' })
  secret!: string;
}
