import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '@dialfleet/kit';
import { warmUpOpus } from '../codecs/opus-codec.js';
import type { MediaThreadData, ToMediaThread } from './media-protocol.js';
import { MediaThreadHost } from './media-thread-host.js';

/** Entry of the media thread: RTP in and out is paced here, untouched by what the main thread is busy with. */
const main = parentPort;
if (!main) throw new Error('media.worker runs as a worker thread only');

try {
  warmUpOpus();
} catch {
  // Only calls with Opus will miss it, and say so.
}

const host = new MediaThreadHost((workerData as MediaThreadData).engine, systemClock, {
  postMessage: (message, transfer) => main.postMessage(message, transfer),
});

main.on('message', (message: ToMediaThread) => {
  if (message.type === 'shutDown') void host.close().finally(() => main.close());
  else void host.receive(message);
});
