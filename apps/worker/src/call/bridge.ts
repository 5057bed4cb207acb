import { FRAME_MS, type AudioOut, type CallLeg } from '@dialfleet/call';
import { errorMessage, type Logger } from '@dialfleet/kit';

/** Every so many frames the receiving side is asked how far it is. */
const MARK_FRAMES = 5;
/** More than this waits on one side: a pause of ours, or a clock that runs slow. It would stay as delay until the call's end. */
const MAX_WAITING_FRAMES = 300 / FRAME_MS;
const WAITING_AFTER_DROP_FRAMES = 100 / FRAME_MS;

/** One way of a bridge: frames as they come to the other side's playout, in 8 kHz PCM; what would pile up there is dropped. */
export class AudioRelay {
  private waiting = 0;
  private sinceMark = 0;
  private mark = 0;
  private dropping = false;
  private readonly off: (() => void)[];

  constructor(from: CallLeg, private readonly to: CallLeg, private readonly name: string) {
    this.off = [
      from.events.on('audio', ({ pcm }) => { this.frame(pcm); }),
      to.events.on('played', ({ tag }) => { if (tag.startsWith(`${name}-`)) this.waiting -= MARK_FRAMES; }),
    ];
  }

  stop(): void { for (const off of this.off.splice(0)) off(); }

  private frame(pcm: Int16Array): void {
    if (this.waiting >= MAX_WAITING_FRAMES) this.dropping = true;
    if (this.dropping && this.waiting > WAITING_AFTER_DROP_FRAMES) return;
    this.dropping = false;
    const tag = `${this.name}-${this.mark}`;
    this.to.audioOut.play(tag, pcm);
    this.waiting++;
    if (++this.sinceMark < MARK_FRAMES) return;
    this.to.audioOut.endOf(tag);
    this.sinceMark = 0;
    this.mark++;
  }
}

/** Two legs that hear each other; keys are passed on. The recording of `customer` has the other party on the bot's side. */
export class Bridge {
  private readonly parts: { stop(): void }[];

  constructor(customer: CallLeg, target: CallLeg, logger: Logger) {
    this.parts = [new AudioRelay(customer, target, 'bridge-out'), new AudioRelay(target, customer, 'bridge-in'), keys(customer, target, logger), keys(target, customer, logger)];
  }

  stop(): void { for (const part of this.parts.splice(0)) part.stop(); }
}

function keys(from: CallLeg, to: CallLeg, logger: Logger): { stop(): void } {
  const stop = from.events.on('dtmf', ({ digit }) => {
    to.sendDtmf(digit).catch((error: unknown) => { logger.info('a key could not be passed on', { error: errorMessage(error) }); });
  });
  return { stop };
}

/** Drops what is queued; failing to do so only costs silence. */
export const silence = (out: AudioOut): void => { out.clear().catch(() => undefined); };
