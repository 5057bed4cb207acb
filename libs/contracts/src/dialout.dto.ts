import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsNotEmpty, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { IsJsonObject } from './rules.js';

export const VARIABLES_LIMITS = { maxFields: 64, maxBytes: 16_384 } as const;
const NO_BREAKS = /^[^\r\n\0]*$/;
const NO_BREAKS_MESSAGE = { message: 'must be a phone number, with no line breaks' };

/** `POST /api/v1/dialout`. */
export class DialoutRequest {
  @ApiProperty({ example: 'bot_0192f3', description: "From the bot's settings" })
  @IsString() @IsNotEmpty() @MaxLength(64)
  bot_id!: string;

  @ApiProperty({ example: '+14155550123', description: "The customer's number, E.164 recommended; without + the trunk's default country applies" })
  @IsString() @IsNotEmpty() @MaxLength(64) @Matches(NO_BREAKS, NO_BREAKS_MESSAGE)
  to_number!: string;

  @ApiPropertyOptional({ example: '+14155550100', description: "Caller id: a number of the workspace. Default: the trunk's" })
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(64) @Matches(NO_BREAKS, NO_BREAKS_MESSAGE)
  from_number?: string;

  @ApiPropertyOptional({
    type: 'object', additionalProperties: true, example: { customer_id: '4711', first_name: 'Ada' },
    description: 'CRM data for {{crm.*}}; values become text. At most 64 fields, 16 kB',
  })
  @IsOptional() @IsJsonObject(VARIABLES_LIMITS)
  variables?: Record<string, unknown>;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, deprecated: true, description: 'Former name of variables' })
  @IsOptional() @IsJsonObject(VARIABLES_LIMITS)
  connected_event?: Record<string, unknown>;
}

export class DialoutResponse {
  @ApiProperty({ enum: ['ok'] })
  status!: 'ok';

  @ApiProperty({ format: 'uuid', description: 'The same as session_id' })
  call_id!: string;

  @ApiProperty({ format: 'uuid', description: 'UUIDv7' })
  session_id!: string;
}
