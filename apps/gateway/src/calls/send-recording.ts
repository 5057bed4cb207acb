import type { RecordingStore } from '@dialfleet/storage';
import type { FastifyReply } from 'fastify';
import { ProblemError } from '../http/problem.js';
import { byteRange } from './byte-range.js';

/** The WAV under `key`, whole (200) or in part (206). @throws ProblemError 404, 416 */
export async function sendRecording(reply: FastifyReply, store: RecordingStore, key: string | null, sessionId: string, rangeHeader: string | undefined): Promise<void> {
  const sizeBytes = key === null ? null : await store.sizeBytes(key);
  if (key === null || sizeBytes === null) throw new ProblemError('recording_not_found', 'There is no recording of this call.');
  const range = byteRange(rangeHeader, sizeBytes);
  if (range === 'unsatisfiable') {
    void reply.header('content-range', `bytes */${sizeBytes}`);
    throw new ProblemError('range_not_satisfiable', 'The recording is shorter than the range asked for.');
  }
  const opened = await store.openRead(key, range && (() => range));
  if (!opened) throw new ProblemError('recording_not_found', 'There is no recording of this call.');
  void reply.type('audio/wav').header('accept-ranges', 'bytes').header('content-disposition', `inline; filename="${sessionId}.wav"`)
    .header('content-length', String(opened.range.end - opened.range.start + 1)).header('cache-control', 'private, max-age=0');
  if (range) void reply.code(206).header('content-range', `bytes ${opened.range.start}-${opened.range.end}/${opened.sizeBytes}`);
  await reply.send(opened.stream);
}
