import { errorMessage, outliveReaders, SettingError } from '@dialfleet/kit';
import { runDemo } from './demo/demo.js';
import { start } from './start.js';

const [job, ...args] = process.argv.slice(2);

outliveReaders();
try {
  if (job === 'start') await start(process.env);
  else if (job === 'demo') process.exitCode = await runDemo(args);
  else throw new SettingError('usage: main.js start|demo');
} catch (error) {
  process.stderr.write(`${error instanceof SettingError ? error.message : `dialfleet could not start: ${errorMessage(error)}`}\n`);
  process.exit(1);
}
