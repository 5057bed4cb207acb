import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { errorMessage } from '@dialfleet/kit';
import { benchAccept } from './accept/accept.js';
import { benchCalls } from './calls/calls.js';
import { benchConversation } from './calls/conversation.js';
import { benchMedia } from './media/media.js';
import { CORE_OF_OTHERS, describeMachine, pinToCore, requireMachine } from './machine.js';
import { renderReport, replaceReport, type Row } from './report.js';
import { benchSetups } from './setups/setups.js';
import { Undo, type BenchContext } from './undo.js';

const parts: Record<string, (context: BenchContext) => Promise<Row[]>> = {
  accept: benchAccept, calls: benchCalls, media: benchMedia, setups: benchSetups, conversation: benchConversation,
};

const usage = `usage: npm run bench [-- ${Object.keys(parts).join('|')} …] [--quick] [--write]

  --quick   fewer and shorter runs: to see that it works, not to quote
  --write   puts the table into docs/performance.md (all parts only)
`;

const document = fileURLToPath(new URL('../../../../docs/performance.md', import.meta.url));

/** Exit codes: 0 measured, 1 a part failed, 2 the command line or the machine is wrong. */
async function main(args: string[]): Promise<number> {
  const { names, quick, write, help } = readOptions(args);
  if (help) { process.stdout.write(usage); return 0; }
  requireMachine();
  // The broker, the databases and all else that we start follow; what is under test is put on the other core.
  pinToCore(process.pid, CORE_OF_OTHERS);
  const begun = performance.now();
  const say = (text: string): void => { process.stderr.write(`[${((performance.now() - begun) / 1000).toFixed(0).padStart(3)}s] ${text}\n`); };
  const undo = new Undo();
  stopOnSignals(undo);
  const rows: Row[] = [];
  let failed = false;
  for (const name of names) {
    try {
      rows.push(...await parts[name]({ say, quick, undo }));
    } catch (error) {
      failed = true;
      say(`${name} failed: ${errorMessage(error)}`);
    } finally { await undo.run(); }
  }
  const report = renderReport(rows, describeMachine(Date.now()));
  process.stdout.write(`${report}\n`);
  if (write && !failed) {
    writeFileSync(document, replaceReport(readFileSync(document, 'utf8'), report));
    say('docs/performance.md has the table');
  }
  return failed ? 1 : 0;
}

interface Options { names: string[]; quick: boolean; write: boolean; help: boolean }

/** @throws TypeError for the person who typed it. */
function readOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args, allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const unknown = positionals.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) throw new TypeError(`there is no part ${JSON.stringify(unknown)}\n${usage}`);
  const names = positionals.length > 0 ? positionals : Object.keys(parts);
  if (values.write && names.length < Object.keys(parts).length) throw new TypeError('--write needs all parts');
  if (values.write && values.quick) throw new TypeError('figures of --quick are not for the document');
  return { names, ...values };
}

function stopOnSignals(undo: Undo): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void undo.run().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
}

main(process.argv.slice(2)).then((code) => process.exit(code), (error: unknown) => {
  process.stderr.write(`${errorMessage(error)}\n`);
  process.exit(2);
});
