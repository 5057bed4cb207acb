import { parentPort, workerData, type MessagePort, type TransferListItem } from 'node:worker_threads';
import { errorMessage } from '@dialfleet/kit';
import { JobQueue } from './job-queue.js';
import type { FromSpeechThread, SpeechJobKind, SpeechJobs, SpeechRole, SpeechThreadData, ToSpeechThread } from './speech-protocol.js';
import type { SpeechService } from './speech-service.js';

/** The entry of a speech thread. Each role imports only its own models. */
if (!parentPort) throw new Error('speech.worker runs as a worker thread');
serve(parentPort, await serviceFor((workerData as SpeechThreadData).role, parentPort));

async function serviceFor(role: SpeechRole, port: MessagePort): Promise<SpeechService> {
  switch (role) {
    case 'vad': {
      const { vadService } = await import('./vad-service.js');
      return vadService((answers) => port.postMessage(answers satisfies FromSpeechThread));
    }
    case 'stt': return (await import('./stt-service.js')).sttService();
    case 'tts': return (await import('./tts-service.js')).ttsService();
  }
}

function serve(port: MessagePort, service: SpeechService): void {
  const queue = new JobQueue();
  port.on('message', (message: ToSpeechThread) => {
    switch (message.type) {
      case 'vadBatch': service.onVad?.(message); return;
      case 'cancel': queue.cancel(message.id); return;
      case 'close': void queue.close().then(() => port.close()); return;
      case 'job': queue.add(message.id, () => perform(port, service, message.id, message.kind, message.input)); return;
    }
  });
}

async function perform<K extends SpeechJobKind>(port: MessagePort, service: SpeechService, id: number, kind: K, input: SpeechJobs[K]['input']): Promise<void> {
  try {
    const job = service.jobs[kind];
    if (!job) throw new Error(`this thread has no job ${kind}`);
    const output = await job(input);
    const transfer: TransferListItem[] = output instanceof Int16Array ? [output.buffer as ArrayBuffer] : [];
    port.postMessage({ type: 'done', id, output } satisfies FromSpeechThread, transfer);
  } catch (error) {
    port.postMessage({ type: 'failed', id, message: errorMessage(error) } satisfies FromSpeechThread);
  }
}
