import { weekdays, type Weekday } from '@dialfleet/bot';
import { ApiProperty, ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import {
  ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsDefined, IsIn, IsInt, IsNotEmpty, IsOptional, IsString, Matches, Max, MaxLength, Min,
} from 'class-validator';
import { Nested } from './instantiate.js';
import { IsHeaderRecord, IsHttpUrl, IsJsonObject, IsTimeZone } from './rules.js';

const TIME = /^([01][0-9]|2[0-3]):[0-5][0-9]$/;
const LANGUAGE = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;
const MAX_TEXT = 20_000;

export class ActiveHoursConfig {
  @ApiProperty()
  @IsBoolean()
  enabled!: boolean;

  @ApiProperty({ example: 'Europe/Berlin' })
  @IsTimeZone()
  timezone!: string;

  @ApiProperty({ enum: weekdays, isArray: true })
  @IsArray() @ArrayMinSize(1) @ArrayUnique() @IsIn(weekdays, { each: true, message: `each must be one of ${weekdays.join(', ')}` })
  days!: Weekday[];

  @ApiProperty({ example: '09:00' })
  @Matches(TIME, { message: 'must be a time of day, HH:MM' })
  start_time!: string;

  @ApiProperty({ example: '18:00', description: 'Not after start_time: the window passes midnight' })
  @Matches(TIME, { message: 'must be a time of day, HH:MM' })
  end_time!: string;

  @ApiPropertyOptional({ example: 'Green Dental is closed now. Please call again from nine.', description: 'Said to callers outside the hours, then the bot hangs up; may hold {{templates}}. Without it they are turned away with 480' })
  @IsOptional() @IsString() @MaxLength(2000)
  closed_message?: string;
}

export class ProviderConfig {
  @ApiProperty({ example: 'local' })
  @Matches(/^[a-z0-9][a-z0-9_-]{0,63}$/, { message: 'must be the name of a provider' })
  provider!: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  @IsOptional() @IsJsonObject({ maxBytes: 16_384 })
  options?: Record<string, unknown>;
}

export class InterruptionConfig {
  @ApiPropertyOptional({ default: 3 })
  @IsOptional() @IsInt() @Min(1) @Max(20)
  min_words?: number;

  @ApiPropertyOptional({ default: 300 })
  @IsOptional() @IsInt() @Min(0) @Max(5000)
  min_speech_ms?: number;

  @ApiPropertyOptional({ default: true, description: 'Whether the opening message may be interrupted' })
  @IsOptional() @IsBoolean()
  opening_message?: boolean;
}

export class SilenceConfig {
  @ApiPropertyOptional({ default: true })
  @IsOptional() @IsBoolean()
  enabled?: boolean;

  @ApiPropertyOptional({ default: 7000 })
  @IsOptional() @IsInt() @Min(500) @Max(120_000)
  prompt_after_ms?: number;

  @ApiPropertyOptional({ type: [String] })
  @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayMaxSize(10) @IsString({ each: true }) @IsNotEmpty({ each: true }) @MaxLength(1000, { each: true })
  prompts?: string[];

  @ApiPropertyOptional({ default: 2 })
  @IsOptional() @IsInt() @Min(0) @Max(10)
  hang_up_after_prompts?: number;
}

export class VoicemailConfig {
  @ApiProperty({ enum: ['hang_up', 'leave_message', 'continue'] })
  @IsIn(['hang_up', 'leave_message', 'continue'])
  action!: 'hang_up' | 'leave_message' | 'continue';

  @ApiPropertyOptional({ description: 'A template; for leave_message' })
  @IsOptional() @IsString() @MaxLength(MAX_TEXT)
  message?: string;
}

export class DtmfConfig {
  @ApiProperty()
  @IsBoolean()
  enabled!: boolean;
}

export class PrefetchConfig {
  @ApiProperty({ example: 'https://crm.example/lookup', description: 'A template' })
  @IsHttpUrl()
  url!: string;

  @ApiPropertyOptional({ enum: ['POST', 'GET'], default: 'POST' })
  @IsOptional() @IsIn(['POST', 'GET'])
  method?: 'POST' | 'GET';

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string' }, description: 'Values are write-only' })
  @IsOptional() @IsHeaderRecord()
  headers?: Record<string, string>;

  @ApiPropertyOptional({ default: 3000, maximum: 10_000 })
  @IsOptional() @IsInt() @Min(100) @Max(10_000)
  timeout_ms?: number;

  @ApiPropertyOptional({ example: 'data.customer' })
  @IsOptional() @Matches(/^[^\s.]+(\.[^\s.]+)*$/, { message: 'must be a path such as data.customer' }) @MaxLength(256)
  response_path?: string;
}

export class AnalysisConfig {
  @ApiProperty()
  @IsString() @IsNotEmpty() @MaxLength(MAX_TEXT)
  prompt!: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'JSON schema of the wanted object' })
  @IsOptional() @IsJsonObject({ maxBytes: 32_768 })
  schema?: Record<string, unknown>;
}

/** `POST /api/v1/bots`: the settings of a bot version as they are on the wire and stored. */
export class BotRequest {
  @ApiProperty()
  @IsString() @IsNotEmpty() @MaxLength(200)
  name!: string;

  @ApiPropertyOptional({ description: 'A template. This or opening_message is required' })
  @IsOptional() @IsString() @MaxLength(MAX_TEXT)
  system_prompt?: string;

  @ApiPropertyOptional({ description: 'A template', example: 'Hello {{crm.first_name}}, do you have a minute?' })
  @IsOptional() @IsString() @MaxLength(MAX_TEXT)
  opening_message?: string;

  @ApiPropertyOptional({ default: 'en-US', description: 'BCP 47' })
  @IsOptional() @Matches(LANGUAGE, { message: 'must be a BCP 47 language tag such as en-US' })
  language?: string;

  @ApiPropertyOptional({ type: ProviderConfig })
  @IsOptional() @Nested(() => ProviderConfig)
  llm?: ProviderConfig;

  @ApiPropertyOptional({ type: ProviderConfig })
  @IsOptional() @Nested(() => ProviderConfig)
  stt?: ProviderConfig;

  @ApiPropertyOptional({ type: ProviderConfig })
  @IsOptional() @Nested(() => ProviderConfig)
  tts?: ProviderConfig;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: "The embedded brain's script" })
  @IsOptional() @IsJsonObject({ maxBytes: 131_072 })
  script?: Record<string, unknown>;

  @ApiPropertyOptional({ description: "Outbound trunk; default: the workspace's first" })
  @IsOptional() @IsString() @Matches(/^[A-Za-z0-9_-]{1,64}$/, { message: 'must be a trunk id' })
  trunk_id?: string;

  @ApiPropertyOptional({ type: ActiveHoursConfig })
  @IsOptional() @Nested(() => ActiveHoursConfig)
  active_hours?: ActiveHoursConfig;

  @ApiPropertyOptional({ default: 600 })
  @IsOptional() @IsInt() @Min(1) @Max(14_400)
  max_call_duration_seconds?: number;

  @ApiPropertyOptional({ default: 45 })
  @IsOptional() @IsInt() @Min(1) @Max(180)
  ring_timeout_seconds?: number;

  @ApiPropertyOptional({ type: InterruptionConfig })
  @IsOptional() @Nested(() => InterruptionConfig)
  interruption?: InterruptionConfig;

  @ApiPropertyOptional({ type: SilenceConfig })
  @IsOptional() @Nested(() => SilenceConfig)
  silence?: SilenceConfig;

  @ApiPropertyOptional({ type: VoicemailConfig })
  @IsOptional() @Nested(() => VoicemailConfig)
  voicemail?: VoicemailConfig;

  @ApiPropertyOptional({ type: DtmfConfig })
  @IsOptional() @Nested(() => DtmfConfig)
  dtmf?: DtmfConfig;

  @ApiPropertyOptional({ type: 'array', items: { type: 'object' }, maxItems: 0 })
  @IsOptional() @IsArray() @ArrayMaxSize(0, { message: 'must be empty: tools are not supported yet' })
  tools?: never[];

  @ApiPropertyOptional({ type: PrefetchConfig })
  @IsOptional() @Nested(() => PrefetchConfig)
  prefetch?: PrefetchConfig;

  @ApiPropertyOptional({ type: AnalysisConfig })
  @IsOptional() @Nested(() => AnalysisConfig)
  analysis?: AnalysisConfig;

  @ApiPropertyOptional({ default: true })
  @IsOptional() @IsBoolean()
  recording?: boolean;

  @ApiPropertyOptional({ description: 'Kept with the bot; nothing is removed yet' })
  @IsOptional() @IsInt() @Min(1) @Max(3650)
  retention_days?: number;
}

/** `PATCH /api/v1/bots/{id}`: top-level fields replace, `null` returns to the default. Makes a new version. */
export class BotPatch extends PartialType(BotRequest) {}

export class BotView extends BotRequest {
  @ApiProperty()
  @IsDefined()
  bot_id!: string;

  @ApiProperty({ description: 'Rises with every change' })
  version!: number;

  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  @ApiProperty({ format: 'date-time' })
  updated_at!: string;
}

export class BotVersionView {
  @ApiProperty() bot_id!: string;
  @ApiProperty() version!: number;
  @ApiProperty({ format: 'date-time' }) created_at!: string;
  @ApiProperty({ nullable: true, type: String }) created_by!: string | null;
  @ApiProperty({ type: BotRequest }) config!: BotRequest;
}
