import type { Env } from '@dialfleet/kit';
import { Fleet } from './fleet.js';

/** A second Ctrl-C within this time is the same keystroke reaching us by another way. */
const SAME_SIGNAL_MS = 500;

/** `npm start`: runs until a signal, then drains. Prints one line on stdout when ready. */
export async function start(env: Env): Promise<void> {
  const say = (text: string): void => { process.stderr.write(`${text}\n`); };
  const starting = new AbortController();
  let fleet: Fleet | undefined = undefined as Fleet | undefined;
  let firstSignalAt = 0;
  const onSignal = (): void => {
    if (firstSignalAt === 0) {
      firstSignalAt = Date.now();
      say(fleet ? 'stopping: no new calls; live calls may finish (once more to hang them up)' : 'stopping');
      if (fleet) void fleet.stop().then(() => { say('stopped'); process.exit(0); }); else starting.abort(new Error('stopped while starting'));
    } else if (Date.now() - firstSignalAt > SAME_SIGNAL_MS) {
      say('hanging up');
      fleet?.hurry();
    }
  };
  // SIGHUP: the terminal was closed.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  fleet = await Fleet.start({ env, say, logToFiles: false, signal: starting.signal }).catch((error: unknown) => {
    if (starting.signal.aborted) process.exit(130);
    throw error;
  });
  const { runFile } = fleet;
  process.stdout.write(`ready ${runFile.url}\n`);
  say(`API key and addresses: ${fleet.folder.file('run.json')}; API documentation: ${runFile.url}/docs`);
}
