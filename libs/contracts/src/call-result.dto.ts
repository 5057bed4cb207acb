import { disconnectedByValues } from '@dialfleet/call';
import { ApiProperty, OmitType } from '@nestjs/swagger';
import { TimelineEventView } from './calls.dto.js';

const TEXT_RECORD = { type: 'object', additionalProperties: { type: 'string' } } as const;
const NUMBER_RECORD = { type: 'object', additionalProperties: { type: 'number', nullable: true } } as const;
const TEXT_OR_NULL = { type: String, nullable: true } as const;
const NUMBER_OR_NULL = { type: Number, nullable: true } as const;

export class TranscriptTurnView {
  @ApiProperty({ enum: ['bot', 'customer'] }) speaker!: string;
  @ApiProperty() text!: string;
  @ApiProperty({ format: 'date-time', description: 'Start of the utterance' }) timestamp!: string;
  @ApiProperty({ ...NUMBER_OR_NULL, description: 'From answer to the start of the utterance' }) offset_ms!: number | null;
  @ApiProperty({ description: 'The bot was cut short; text holds what was heard' }) interrupted!: boolean;
}

/** An event inside a result: they stand there in order. */
export class ResultEventView extends OmitType(TimelineEventView, ['seq'] as const) {}

/** `CallResult` of @dialfleet/call as the API document shows it. */
export class CallResultView {
  @ApiProperty({ enum: ['ended'] }) status!: string;
  @ApiProperty({ format: 'uuid' }) session_id!: string;
  @ApiProperty({ description: "The customer's number" }) caller_id!: string;
  @ApiProperty({ description: 'Answer to end; 0 when never answered' }) call_duration_seconds!: number;
  @ApiProperty({ enum: disconnectedByValues }) disconnected_by!: string;
  @ApiProperty({ type: [TranscriptTurnView] }) transcript!: TranscriptTurnView[];
  @ApiProperty(TEXT_OR_NULL) recording_url!: string | null;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true }) post_call_analysis!: Record<string, unknown> | null;
  @ApiProperty() bot_id!: string;
  @ApiProperty() bot_version!: number;
  @ApiProperty({ enum: ['outbound', 'inbound'] }) direction!: string;
  @ApiProperty() from_number!: string;
  @ApiProperty() to_number!: string;
  @ApiProperty(TEXT_RECORD) variables!: Record<string, string>;
  @ApiProperty({ format: 'date-time' }) started_at!: string;
  @ApiProperty({ ...TEXT_OR_NULL, format: 'date-time' }) answered_at!: string | null;
  @ApiProperty({ format: 'date-time' }) ended_at!: string;
  @ApiProperty(NUMBER_OR_NULL) ring_duration_seconds!: number | null;
  @ApiProperty(NUMBER_OR_NULL) sip_status!: number | null;
  @ApiProperty({ example: 'customer_hung_up' }) hangup_reason!: string;
  @ApiProperty({ enum: ['ready', 'partial', 'none', 'lost'] }) recording_status!: string;
  @ApiProperty({ enum: ['ok', 'skipped', 'failed'] }) analysis_status!: string;
  @ApiProperty({ type: [ResultEventView] }) events!: ResultEventView[];
  @ApiProperty({ type: 'array', items: NUMBER_RECORD, description: 'Per turn, in milliseconds' }) latency!: Record<string, number | null>[];
  @ApiProperty(NUMBER_RECORD) usage!: Record<string, number>;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, description: 'Packets, codec and quality of the audio; null when the call was not answered' })
  media!: Record<string, number | string | boolean | null> | null;
  @ApiProperty() was_transferred!: boolean;
  @ApiProperty(TEXT_OR_NULL) transferred_to!: string | null;
  @ApiProperty({ type: [String] }) warnings!: string[];
}

export class TranscriptView {
  @ApiProperty({ format: 'uuid' }) session_id!: string;
  @ApiProperty({ description: 'False while the call runs' }) complete!: boolean;
  @ApiProperty({ type: [TranscriptTurnView] }) transcript!: TranscriptTurnView[];
}

export class TimelineView {
  @ApiProperty({ format: 'uuid' }) session_id!: string;
  @ApiProperty({ type: [TimelineEventView] }) events!: TimelineEventView[];
}

export class Acknowledgement {
  @ApiProperty({ enum: ['ok'] }) status!: 'ok';
}
