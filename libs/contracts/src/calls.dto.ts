import { callTransitions, disconnectedByValues, type DisconnectedBy } from '@dialfleet/call';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsNotEmpty, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { PageQuery } from './page.dto.js';

/** `accepted`, then the call machine's states; a call whose customer was bridged to somebody else is still `talking`. */
export const callStatuses: readonly string[] = ['accepted', ...Object.keys(callTransitions).filter((state) => state !== 'bridged')];

/** Query of `GET /api/v1/calls`; `variables.<name>=<value>` filters stand beside these. */
export class CallListQuery extends PageQuery {
  @ApiPropertyOptional()
  @IsOptional() @IsString() @Matches(/^[A-Za-z0-9_-]{1,64}$/, { message: 'must be a bot id' })
  bot_id?: string;

  @ApiPropertyOptional({ description: 'As stored: E.164' })
  @IsOptional() @IsString() @MaxLength(64)
  to_number?: string;

  @ApiPropertyOptional({ enum: callStatuses })
  @IsOptional() @IsIn(callStatuses)
  status?: string;

  @ApiPropertyOptional({ enum: disconnectedByValues })
  @IsOptional() @IsIn(disconnectedByValues)
  disconnected_by?: DisconnectedBy;

  @ApiPropertyOptional({ format: 'date-time', description: 'Accepted at or after' })
  @IsOptional() @IsISO8601({ strict: true })
  from?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Accepted before' })
  @IsOptional() @IsISO8601({ strict: true })
  to?: string;
}

/** `POST /api/v1/calls/{session_id}/transfer`. */
export class TransferRequest {
  @ApiProperty({ example: '+14155550199', description: "Who takes the customer over: E.164 recommended; without + the trunk's default country applies" })
  @IsString() @IsNotEmpty() @MaxLength(64) @Matches(/^[^\r\n\0]*$/, { message: 'must be a phone number, with no line breaks' })
  target!: string;
}

/** A call in a list, and one that still runs. */
export class CallSummary {
  @ApiProperty({ format: 'uuid' })
  session_id!: string;

  @ApiProperty({ enum: callStatuses })
  status!: string;

  @ApiProperty()
  bot_id!: string;

  @ApiProperty()
  bot_version!: number;

  @ApiProperty({ enum: ['outbound', 'inbound'] })
  direction!: string;

  @ApiProperty({ description: "The customer's number" })
  caller_id!: string;

  @ApiProperty()
  from_number!: string;

  @ApiProperty()
  to_number!: string;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  variables!: Record<string, string>;

  @ApiProperty({ format: 'date-time' })
  accepted_at!: string;

  @ApiProperty({ format: 'date-time', nullable: true, type: String })
  answered_at!: string | null;

  @ApiProperty({ format: 'date-time', nullable: true, type: String })
  ended_at!: string | null;

  @ApiProperty({ nullable: true, type: Number })
  call_duration_seconds!: number | null;

  @ApiProperty({ enum: disconnectedByValues, nullable: true })
  disconnected_by!: string | null;

  @ApiProperty({ nullable: true, type: String })
  hangup_reason!: string | null;

  @ApiProperty({ nullable: true, type: Number })
  sip_status!: number | null;
}

export class CallPage {
  @ApiProperty({ type: [CallSummary] })
  data!: CallSummary[];

  @ApiProperty({ nullable: true, type: String })
  next_cursor!: string | null;
}

export class TimelineEventView {
  @ApiProperty()
  seq!: number;

  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty({ example: 'call.ringing' })
  type!: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  data!: Record<string, unknown>;
}
