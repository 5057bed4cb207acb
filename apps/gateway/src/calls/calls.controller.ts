import { renderLadder } from '@dialfleet/call';
import { Acknowledgement, CallListQuery, CallPage, CallResultView, CallSummary, Problem, TimelineView, TranscriptView, TransferRequest } from '@dialfleet/contracts';
import { CallRepository } from '@dialfleet/database';
import type { RecordingStore } from '@dialfleet/storage';
import { Controller, Get, Header, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiConflictResponse, ApiExtraModels, ApiHeader, ApiOkResponse, ApiOperation, ApiProduces, ApiQuery, ApiTags, ApiUnprocessableEntityResponse, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Caller, Requires } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import { ValidBody } from '../http/validated.js';
import { RECORDINGS } from '../tokens.js';
import { callListQuery } from './call-list-query.js';
import { endingOf, eventView, ladderOf } from './call-views.js';
import { CallsService } from './calls.service.js';
import { EventStreams } from './event-streams.js';
import { sendRecording } from './send-recording.js';

@ApiTags('calls')
@Controller('api/v1/calls')
export class CallsController {
  constructor(
    private readonly service: CallsService, private readonly calls: CallRepository, private readonly streams: EventStreams,
    @Inject(RECORDINGS) private readonly store: RecordingStore,
  ) {}

  @Get()
  @Requires('calls:read')
  @ApiOperation({ summary: 'Calls, newest first; also filtered by variables.<name>=<value>' })
  @ApiQuery({ type: CallListQuery })
  @ApiOkResponse({ type: CallPage })
  list(@Caller() caller: Principal, @Query() query: Record<string, unknown>): Promise<CallPage> {
    const { filter, page } = callListQuery(query);
    return this.service.list(caller, filter, page);
  }

  @Get(':id')
  @Requires('calls:read')
  @ApiOperation({ summary: 'Live state while the call runs, the full result after' })
  @ApiExtraModels(CallSummary, CallResultView)
  @ApiOkResponse({ schema: { oneOf: [CallSummary, CallResultView].map((type) => ({ $ref: getSchemaPath(type) })) } })
  get(@Caller() caller: Principal, @Param('id') id: string): Promise<object> { return this.service.describe(caller, id); }

  @Post(':id/hangup')
  @HttpCode(200)
  @Requires('calls:write')
  @ApiOperation({ summary: 'End the call' })
  @ApiOkResponse({ type: Acknowledgement })
  @ApiConflictResponse({ type: Problem, description: 'call_ended' })
  hangUp(@Caller() caller: Principal, @Param('id') id: string): Promise<Acknowledgement> { return this.service.hangUp(caller, id); }

  @Post(':id/transfer')
  @HttpCode(202)
  @Requires('calls:write')
  @ApiOperation({ summary: 'Hand the customer over: by REFER where the carrier takes it, else over a second call that is bridged' })
  @ApiBody({ type: TransferRequest })
  @ApiAcceptedResponse({ type: Acknowledgement })
  @ApiConflictResponse({ type: Problem, description: 'call_not_in_conversation, call_ended' })
  @ApiUnprocessableEntityResponse({ type: Problem, description: 'invalid_request, destination_blocked' })
  transfer(@Caller() caller: Principal, @Param('id') id: string, @ValidBody(TransferRequest) request: TransferRequest): Promise<Acknowledgement> {
    return this.service.transfer(caller, id, request.target);
  }

  @Get(':id/transcript')
  @Requires('calls:read')
  @ApiOperation({ summary: 'What was said; what has been said so far while the call runs' })
  @ApiOkResponse({ type: TranscriptView })
  transcript(@Caller() caller: Principal, @Param('id') id: string): Promise<TranscriptView> { return this.service.transcript(caller, id); }

  @Get(':id/recording')
  @Requires('calls:read')
  @ApiOperation({ summary: 'The recording: stereo WAV, customer left, bot right' })
  @ApiProduces('audio/wav')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @ApiHeader({ name: 'range', required: false })
  async recording(@Caller() caller: Principal, @Param('id') id: string, @Res() reply: FastifyReply, @Headers('range') range?: string): Promise<void> {
    const call = await this.service.require(caller, id);
    await sendRecording(reply, this.store, call.recordingKey, call.id, range);
  }

  @Get(':id/events')
  @Requires('calls:read')
  @ApiOperation({ summary: 'The timeline; with Accept: text/event-stream as server-sent events that follow the call' })
  @ApiProduces('application/json', 'text/event-stream')
  @ApiHeader({ name: 'accept', required: false })
  @ApiHeader({ name: 'last-event-id', required: false })
  @ApiOkResponse({ type: TimelineView })
  async events(
    @Caller() caller: Principal, @Param('id') id: string, @Res() reply: FastifyReply,
    @Headers('accept') accept?: string, @Headers('last-event-id') lastEventId?: string,
  ): Promise<void> {
    const call = await this.service.require(caller, id);
    if (accept?.includes('text/event-stream')) {
      const afterSeq = /^\d{1,9}$/.test(lastEventId ?? '') ? Number(lastEventId) : -1;
      this.streams.start(reply, { workspaceId: call.workspaceId, sessionId: call.id }, afterSeq);
      return;
    }
    const events = await this.calls.events(call.workspaceId, call.id);
    await reply.send({ session_id: call.id, events: events.map(eventView) });
  }

  @Get(':id/sip')
  @Requires('calls:read')
  @Header('content-type', 'text/plain; charset=utf-8')
  @ApiOperation({ summary: 'The SIP messages of the call as text: who sent what and when, then each message; secrets masked' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' } })
  async sip(@Caller() caller: Principal, @Param('id') id: string): Promise<string> {
    const call = await this.service.require(caller, id);
    const events = await this.calls.events(call.workspaceId, call.id);
    return renderLadder(ladderOf(events), endingOf(events));
  }
}
