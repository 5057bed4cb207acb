import { CallRepository } from '@dialfleet/database';
import { RecordingTokens, type RecordingStore } from '@dialfleet/storage';
import { Controller, Get, Headers, Inject, Param, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ProblemError } from '../http/problem.js';
import { RECORDINGS } from '../tokens.js';
import { sendRecording } from './send-recording.js';

/** `recording_url`: the token is the permission. */
@ApiTags('calls')
@Controller('recordings')
export class RecordingsController {
  constructor(private readonly tokens: RecordingTokens, private readonly calls: CallRepository, @Inject(RECORDINGS) private readonly store: RecordingStore) {}

  @Get(':token')
  @ApiOperation({ summary: 'The WAV behind a recording_url' })
  @ApiProduces('audio/wav')
  @ApiHeader({ name: 'range', required: false })
  async get(@Param('token') token: string, @Res() reply: FastifyReply, @Headers('range') range?: string): Promise<void> {
    const sessionId = this.tokens.verify(token);
    const call = sessionId === null ? null : await this.calls.findAnywhere(sessionId);
    if (!call) throw new ProblemError('recording_not_found', 'There is no recording behind this link.');
    await sendRecording(reply, this.store, call.recordingKey, call.id, range);
  }
}
