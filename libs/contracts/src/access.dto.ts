import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsIn, IsISO8601, IsNotEmpty, IsOptional, IsString, Matches, MaxLength } from 'class-validator';

export const scopes = ['calls:write', 'calls:read', 'fleet:read', 'admin'] as const;
/** `admin` holds all others. */
export type Scope = (typeof scopes)[number];

/** `POST /api/v1/api-keys`. */
export class ApiKeyRequest {
  @ApiProperty()
  @IsString() @IsNotEmpty() @MaxLength(200)
  name!: string;

  @ApiProperty({ enum: scopes, isArray: true })
  @IsArray() @ArrayMinSize(1) @ArrayUnique() @IsIn(scopes, { each: true, message: `each must be one of ${scopes.join(', ')}` })
  scopes!: Scope[];

  @ApiPropertyOptional({ type: [String], description: 'Empty: every bot' })
  @IsOptional() @IsArray() @ArrayMaxSize(200) @ArrayUnique() @Matches(/^[A-Za-z0-9_-]{1,64}$/, { each: true, message: 'each must be a bot id' })
  bot_ids?: string[];

  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional() @IsISO8601({ strict: true })
  expires_at?: string;

  @ApiPropertyOptional({ enum: ['live', 'test'], default: 'live' })
  @IsOptional() @IsIn(['live', 'test'])
  mode?: 'live' | 'test';
}

export class ApiKeyView {
  @ApiProperty() key_id!: string;
  @ApiProperty() name!: string;
  @ApiProperty({ enum: ['live', 'test'] }) mode!: string;
  @ApiProperty({ description: 'The last four characters' }) last_four!: string;
  @ApiProperty({ enum: scopes, isArray: true }) scopes!: string[];
  @ApiProperty({ type: [String] }) bot_ids!: string[];
  @ApiProperty({ format: 'date-time', nullable: true, type: String }) expires_at!: string | null;
  @ApiProperty({ format: 'date-time', nullable: true, type: String }) last_used_at!: string | null;
  @ApiProperty({ format: 'date-time', nullable: true, type: String }) revoked_at!: string | null;
  @ApiProperty({ format: 'date-time' }) created_at!: string;
}

export class ApiKeyCreated extends ApiKeyView {
  @ApiProperty({ description: 'The key itself; shown once' })
  key!: string;
}

/** `POST /api/v1/numbers`: an inbound DID and the bot that answers it. */
export class NumberRequest {
  @ApiProperty({ example: '+14155550100' })
  @IsString() @IsNotEmpty() @MaxLength(64)
  number!: string;

  @ApiProperty()
  @Matches(/^[A-Za-z0-9_-]{1,64}$/, { message: 'must be a trunk id' })
  trunk_id!: string;

  @ApiProperty()
  @Matches(/^[A-Za-z0-9_-]{1,64}$/, { message: 'must be a bot id' })
  bot_id!: string;
}

export class NumberView {
  @ApiProperty() number_id!: string;
  @ApiProperty() number!: string;
  @ApiProperty() trunk_id!: string;
  @ApiProperty() bot_id!: string;
  @ApiProperty({ format: 'date-time' }) created_at!: string;
}

export class AuditEntryView {
  @ApiProperty() id!: string;
  @ApiProperty({ format: 'date-time' }) at!: string;
  @ApiProperty({ enum: ['api_key', 'user', 'system'] }) actor_type!: string;
  @ApiProperty() actor_id!: string;
  @ApiProperty({ example: 'trunk.created' }) action!: string;
  @ApiProperty() target_type!: string;
  @ApiProperty() target_id!: string;
  @ApiProperty({ type: 'object', additionalProperties: true }) detail!: Record<string, unknown>;
  @ApiProperty({ nullable: true, type: String }) request_id!: string | null;
}
