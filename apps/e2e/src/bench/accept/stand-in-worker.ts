import { HEARTBEAT_INTERVAL_MS, type ClaimReply, type ClaimRequest, type Heartbeat, type WorkerCommandReply } from '@dialfleet/fleet';
import { silentLogger } from '@dialfleet/kit';
import { connectNats, subjects } from '@dialfleet/messaging';
import { serve } from '../helper-process.js';
import { ECHO_SUBJECT } from './echo-subject.js';

export interface Slots { max: number }

const WORKER_ID = 'w-stand-in';
const EPOCH = 'bench';

/**
 * A worker as a gateway sees it: the real subjects, heartbeats and answers on a real NATS, and no telephone behind them.
 * Takes every claim while it has slots.
 */
async function main(natsUrl: string): Promise<void> {
  const nc = await connectNats({ url: natsUrl, name: WORKER_ID, logger: silentLogger });
  const startedAtMs = Date.now();
  let max = 0;
  const beat = (): void => {
    const heartbeat: Heartbeat = { workerId: WORKER_ID, epoch: EPOCH, status: 'ready', calls: 0, max, version: 'bench', startedAtMs, mediaAddress: '127.0.0.1', cpuLoad: 0 };
    nc.publish(subjects.heartbeat(WORKER_ID), JSON.stringify(heartbeat));
  };
  const answerOn = <Request, Reply>(subject: string, answer: (request: Request) => Reply): void => {
    nc.subscribe(subject, { callback: (error, message) => {
      if (error) return;
      const { id, data } = message.json<{ id: string; data: Request }>();
      message.respond(JSON.stringify({ id, response: answer(data), isDisposed: true }));
    } });
  };
  answerOn<ClaimRequest, ClaimReply>(subjects.claim(WORKER_ID), () => ({ accepted: true, workerId: WORKER_ID, epoch: EPOCH, calls: 0, max }));
  answerOn<unknown, WorkerCommandReply>(subjects.command(WORKER_ID), () => ({ ok: true }));
  answerOn<unknown, { accepted: true }>(ECHO_SUBJECT, () => ({ accepted: true }));
  setInterval(beat, HEARTBEAT_INTERVAL_MS);
  await nc.flush();
  serve<Slots, Slots>({ ready: true }, async (slots) => {
    max = slots.max;
    beat();
    await nc.flush();
    return slots;
  });
}

await main(process.argv[2]);
