import { errorMessage, jsonLogger } from '@dialfleet/kit';
import { parseCommand, usage, UsageError, type Command } from './cli/arguments.js';
import { eventLines, timeOfDay, type EventLines } from './cli/event-lines.js';
import { PersonaError } from './persona/parse-persona.js';
import { builtInPersonaNames, loadPersona } from './persona/persona-source.js';
import { CarrierSim, type DialOptions } from './sim/carrier-sim.js';

const out = (text: string): void => { process.stdout.write(`${text}\n`); };
const complain = (text: string): void => { process.stderr.write(`${text}\n`); };

/** Exit codes: 0 done, 1 could not start or run (or, with --dial, nobody answered), 2 the command line or a persona is wrong. */
async function main(args: readonly string[]): Promise<void> {
  const command = parseCommand(args);
  if (command.kind === 'help') return out(usage.trimEnd());
  if (command.kind === 'list') return builtInPersonaNames().forEach((name) => out(`${name.padEnd(18)}${loadPersona(name).description}`));
  await run(command);
}

async function run({ sim, verbose, dial }: Extract<Command, { kind: 'run' }>): Promise<void> {
  const carrier = await CarrierSim.start({
    ...sim,
    logger: jsonLogger(verbose ? 'debug' : 'warn', complain),
    onProgress: ({ done, total, text }) => out(`preparing line ${done} of ${total}: ${text}`),
  });
  report(carrier, eventLines(verbose));
  if (dial) return placeOne(carrier, dial);
  out(`ready sip:${sim.host}:${carrier.port};transport=${sim.transport}, persona ${sim.personas.default}`);
  const stop = (): void => {
    out('stopping');
    carrier.stop().then(() => process.exit(0), fail);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

/** One call of a customer, and the end. */
async function placeOne(carrier: CarrierSim, options: DialOptions): Promise<void> {
  const call = carrier.dial(options);
  const giveUp = (): void => call.hangUp();
  process.once('SIGINT', giveUp);
  process.once('SIGTERM', giveUp);
  await call.finished;
  await carrier.stop();
  process.exit(call.record.answeredAtMs === null ? 1 : 0);
}

function report(carrier: CarrierSim, lines: EventLines): void {
  const tell = (text: string): void => out(`${timeOfDay(Date.now())}  ${text}`);
  carrier.on('call', (call) => tell(lines.call(call)));
  carrier.on('ringing', (progress) => tell(lines.ringing(progress)));
  carrier.on('answered', (call) => tell(lines.answered(call)));
  carrier.on('said', (said) => tell(lines.said(said)));
  carrier.on('heard', (heard) => tell(lines.heard(heard)));
  carrier.on('dtmf', (dtmf) => tell(lines.dtmf(dtmf)));
  carrier.on('referred', (handOver) => tell(lines.referred(handOver)));
  carrier.on('ended', (call) => tell(lines.ended(call)));
  carrier.on('unauthorised', (attempt) => tell(lines.unauthorised(attempt)));
}

function fail(error: unknown): never {
  complain(explained(error));
  process.exit(error instanceof UsageError || error instanceof PersonaError ? 2 : 1);
}

function explained(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\nSee --help.`;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'EADDRINUSE') return `The SIP port is in use: choose another with --port, or 0 for any. (${errorMessage(error)})`;
  if (code === 'EADDRNOTAVAIL') return `The address is not one of this machine: see --host. (${errorMessage(error)})`;
  return errorMessage(error);
}

await main(process.argv.slice(2)).catch(fail);
