import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export class ProblemItem {
  @ApiProperty({ example: 'active_hours.days.0' })
  path!: string;

  @ApiProperty({ example: 'must be one of mon, tue, …' })
  message!: string;
}

/** RFC 9457 problem details, as every error of the API carries them. */
export class Problem {
  @ApiProperty({ example: 'urn:dialfleet:problem:no_capacity' })
  type!: string;

  @ApiProperty({ example: 'No capacity' })
  title!: string;

  @ApiProperty({ example: 503 })
  status!: number;

  @ApiProperty({ description: 'What happened this time, in a sentence' })
  detail!: string;

  @ApiProperty({ example: 'no_capacity', description: 'Stable; for programs' })
  code!: string;

  @ApiProperty({ description: 'Also in the X-Request-Id header' })
  request_id!: string;

  @ApiPropertyOptional({ type: [ProblemItem], description: 'With 422: what is wrong where' })
  errors?: ProblemItem[];

  @ApiPropertyOptional({ format: 'date-time', description: 'With outside_active_hours' })
  next_open_at?: string;
}

export interface ProblemKind { status: number; title: string }

/** Every code the API answers with. */
export const problems = {
  invalid_api_key: { status: 401, title: 'Invalid API key' },
  forbidden: { status: 403, title: 'Forbidden' },
  not_found: { status: 404, title: 'Not found' },
  bot_not_found: { status: 404, title: 'Bot not found' },
  call_not_found: { status: 404, title: 'Call not found' },
  recording_not_found: { status: 404, title: 'Recording not found' },
  trunk_not_found: { status: 404, title: 'Trunk not found' },
  number_not_found: { status: 404, title: 'Number not found' },
  endpoint_not_found: { status: 404, title: 'Endpoint not found' },
  delivery_not_found: { status: 404, title: 'Delivery not found' },
  api_key_not_found: { status: 404, title: 'API key not found' },
  worker_not_found: { status: 404, title: 'Worker not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  idempotency_in_flight: { status: 409, title: 'Request in flight' },
  call_not_in_conversation: { status: 409, title: 'Call is not in conversation' },
  call_ended: { status: 409, title: 'Call has ended' },
  conflict: { status: 409, title: 'Conflict' },
  body_too_large: { status: 413, title: 'Body too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  range_not_satisfiable: { status: 416, title: 'Range not satisfiable' },
  invalid_request: { status: 422, title: 'Invalid request' },
  no_outbound_trunk: { status: 422, title: 'No outbound trunk' },
  destination_blocked: { status: 422, title: 'Destination not allowed' },
  internal_error: { status: 500, title: 'Internal error' },
  no_capacity: { status: 503, title: 'No capacity' },
  outside_active_hours: { status: 503, title: 'Outside active hours' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
} as const satisfies Record<string, ProblemKind>;
export type ProblemCode = keyof typeof problems;
