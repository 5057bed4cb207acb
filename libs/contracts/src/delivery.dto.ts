import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsObject, IsOptional, IsString, Matches } from 'class-validator';
import { deliveryStates, type DeliveryState } from '@dialfleet/delivery';
import { PageQuery } from './page.dto.js';

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Query of `GET /api/v1/deliveries`. */
export class DeliveryListQuery extends PageQuery {
  @ApiPropertyOptional({ enum: deliveryStates })
  @IsOptional() @IsIn(deliveryStates)
  state?: DeliveryState;

  @ApiPropertyOptional()
  @IsOptional() @IsString() @Matches(ID, { message: 'must be an endpoint id' })
  endpoint_id?: string;

  @ApiPropertyOptional()
  @IsOptional() @IsString() @Matches(ID, { message: 'must be a session id' })
  session_id?: string;
}

/** One message to one endpoint, and how far it got. */
export class DeliveryView {
  @ApiProperty() delivery_id!: string;
  @ApiProperty({ description: 'Stable over retries and replays' }) webhook_id!: string;
  @ApiProperty({ enum: ['call.result', 'call.result.amended', 'test'] }) event!: string;
  @ApiProperty() session_id!: string;
  @ApiProperty() bot_id!: string;
  @ApiProperty() endpoint_id!: string;
  @ApiProperty({ enum: deliveryStates }) state!: string;
  @ApiProperty({ description: 'Attempts made on the present schedule' }) attempts_made!: number;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) next_attempt_at!: string | null;
  @ApiProperty({ type: Number, nullable: true }) last_status!: number | null;
  @ApiProperty({ type: String, nullable: true }) last_error!: string | null;
  @ApiProperty({ type: [String], description: 'Template paths that had no value and were sent as ""' }) unresolved!: string[];
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) held_until!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) delivered_at!: string | null;
  @ApiProperty({ format: 'date-time' }) created_at!: string;
}

export class DeliveryAttemptView {
  @ApiProperty() attempt!: number;
  @ApiProperty({ format: 'date-time' }) started_at!: string;
  @ApiProperty() duration_ms!: number;
  @ApiProperty({ type: Number, nullable: true, description: 'Null: no answer' }) status!: number | null;
  @ApiProperty({ type: String, nullable: true }) error!: string | null;
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, description: 'As sent, secrets masked' }) request_headers!: Record<string, string>;
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, nullable: true }) response_headers!: Record<string, string> | null;
  @ApiProperty({ type: String, nullable: true, description: 'The first 4 kB' }) response_body!: string | null;
}

export class DeliveryDetail extends DeliveryView {
  @ApiProperty({ description: 'Where the next attempt goes' }) url!: string;
  @ApiProperty({ description: 'The exact text that is signed and sent' }) request_body!: string;
  @ApiProperty({ type: [DeliveryAttemptView] }) attempts!: DeliveryAttemptView[];
}

/** `POST /api/v1/endpoints/{id}/replay`: by the time the messages were made. */
export class EndpointReplayRequest {
  @ApiProperty({ format: 'date-time' })
  @IsISO8601({ strict: true })
  from!: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Default: now' })
  @IsOptional() @IsISO8601({ strict: true })
  to?: string;

  @ApiPropertyOptional({ enum: ['delivered', 'dead', 'held', 'retry_wait'], description: 'Default: all that are not delivered' })
  @IsOptional() @IsIn(['delivered', 'dead', 'held', 'retry_wait'])
  state?: 'delivered' | 'dead' | 'held' | 'retry_wait';
}

export class EndpointReplayed {
  @ApiProperty() replayed!: number;
}

/** `POST /api/v1/bots/{id}/mapper/preview`. */
export class MapperPreviewRequest {
  @ApiProperty({ type: 'object', additionalProperties: true, example: { lead_id: '{{crm.customer_id}}', disposition: '{{analysis.disposition}}' } })
  @IsObject()
  mapper!: Record<string, unknown>;

  @ApiPropertyOptional({ description: 'A past call of this bot; default: a sample call' })
  @IsOptional() @IsString() @Matches(ID, { message: 'must be a session id' })
  session_id?: string;
}

export class MapperPreview {
  @ApiProperty({ type: 'object', additionalProperties: true }) body!: Record<string, unknown>;
  @ApiProperty({ type: [String] }) unresolved!: string[];
}
