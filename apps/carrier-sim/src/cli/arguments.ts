import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CODEC_NAMES } from '@dialfleet/call';
import { errorMessage } from '@dialfleet/kit';
import { parseSipAddress } from '../sim/sip-address.js';
import type { CarrierSimOptions, DialOptions } from '../sim/carrier-sim.js';

export const usage = `A SIP carrier with scripted customers.

  node apps/carrier-sim/dist/main.js [options]

  --port N               SIP port; default 5070, 0 takes any free one
  --host ADDRESS         address of SIP and RTP; default 127.0.0.1
  --transport udp|tcp    default udp
  --advertise ADDRESS    what callers reach it at; needed when --host is 0.0.0.0
  --rtp-ports MIN-MAX    default any free ones
  --codecs A,B           PCMU, PCMA, G722 or opus, in order of preference; default PCMU,PCMA
  --persona P            who answers; default callback
  --number N=P           who answers one number; may be repeated
  --auth USER:PASSWORD   callers must authenticate (digest)
  --algorithm NAME       MD5 (default) or SHA-256, for --auth
  --takes-refer          customers are handed over when the bot asks with REFER; default: refused
  --record FOLDER        record every answered call (stereo WAV: bot left, customer right)
  --dial ADDRESS         a customer calls sip:+14155550100@127.0.0.1:5060; --persona says who, and the exit code
                         whether the call was answered (0 or 1)
  --from NUMBER          the caller's number, for --dial; default +14155550123, anonymous withholds it
  --credentials U:P      where the called side asks for them, for --dial
  --header "NAME: TEXT"  a further header field of the INVITE, for --dial; may be repeated
  --list                 the built-in personas
  --verbose              full numbers, and the SIP and media log
  --help

A persona P is a built-in name or the path of a .json file. A number that equals the name of a built-in
persona is answered by it: dial sip:voicemail@127.0.0.1:5070.
`;

/** A command line that cannot be understood; the message is for the person who typed it. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) { super(message, options); this.name = 'UsageError'; }
}

type SimArguments = Required<Pick<CarrierSimOptions, 'transport' | 'host' | 'port'>>
  & Pick<CarrierSimOptions, 'codecs' | 'auth' | 'recordDir' | 'rtpPorts' | 'advertisedAddress' | 'takesRefer'> & { personas: { default: string; byNumber: Record<string, string> } };

export type Command =
  | { kind: 'help' }
  | { kind: 'list' }
  | { kind: 'run'; verbose: boolean; sim: SimArguments; dial?: DialOptions };

const options = {
  port: { type: 'string' }, host: { type: 'string', default: '127.0.0.1' }, transport: { type: 'string', default: 'udp' },
  'rtp-ports': { type: 'string' }, advertise: { type: 'string' }, persona: { type: 'string', default: 'callback' }, number: { type: 'string', multiple: true, default: [] as string[] },
  'takes-refer': { type: 'boolean', default: false }, codecs: { type: 'string' }, auth: { type: 'string' }, algorithm: { type: 'string', default: 'MD5' }, record: { type: 'string' },
  dial: { type: 'string' }, from: { type: 'string' }, credentials: { type: 'string' }, header: { type: 'string', multiple: true, default: [] as string[] },
  list: { type: 'boolean', default: false }, verbose: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsConfig['options'];

/** @throws UsageError */
export function parseCommand(args: readonly string[]): Command {
  const values = valuesOf(args);
  if (values.help) return { kind: 'help' };
  if (values.list) return { kind: 'list' };
  return {
    kind: 'run',
    verbose: values.verbose,
    ...(values.dial === undefined ? {} : { dial: dialOptions(values.dial, values) }),
    sim: {
      port: wholeNumber('--port', values.port ?? (values.dial === undefined ? '5070' : '0'), 0, 65_535),
      host: values.host,
      transport: oneOf('--transport', values.transport, ['udp', 'tcp'] as const),
      personas: { default: values.persona, byNumber: numbers(values.number) },
      ...(values.codecs === undefined ? {} : { codecs: values.codecs.split(',').map((name) => oneOf('--codecs', name.trim(), CODEC_NAMES)) }),
      ...(values.auth === undefined ? {} : { auth: { ...credentials('--auth', values.auth), algorithm: oneOf('--algorithm', values.algorithm, ['MD5', 'SHA-256'] as const) } }),
      ...(values['rtp-ports'] === undefined ? {} : { rtpPorts: portRange(values['rtp-ports']) }),
      ...(values.advertise === undefined ? {} : { advertisedAddress: values.advertise }),
      ...(values['takes-refer'] ? { takesRefer: true } : {}),
      ...(values.record === undefined ? {} : { recordDir: values.record }),
    },
  };
}

const parsed = (args: readonly string[]) => parseArgs({ args: [...args], options, strict: true, allowPositionals: false });

function valuesOf(args: readonly string[]): ReturnType<typeof parsed>['values'] {
  try {
    return parsed(args).values;
  } catch (cause) {
    throw new UsageError(errorMessage(cause).split('. ')[0], { cause });
  }
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
}

function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((option) => option.toLowerCase() === text.toLowerCase());
  if (found === undefined) throw new UsageError(`${name} must be ${allowed.join(' or ')}, not "${text}"`);
  return found;
}

function portRange(text: string): { min: number; max: number } {
  const [, min, max] = (/^(\d{4,5})-(\d{4,5})$/.exec(text) ?? []).map(Number);
  if (min >= 1024 && max <= 65_535 && max - min >= 3) return { min, max };
  throw new UsageError(`--rtp-ports must be a range of ports such as 40000-49999, not "${text}"`);
}

function numbers(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => {
    const [, number, persona] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
    if (number === undefined) throw new UsageError(`--number must be a number and a persona such as +14155550123=busy, not "${pair}"`);
    return [number, persona];
  }));
}

function dialOptions(to: string, { from, persona, credentials: account, header }: { from?: string; persona: string; credentials?: string; header: readonly string[] }): DialOptions {
  try { parseSipAddress(to); } catch (cause) { throw new UsageError(`--dial: ${errorMessage(cause)}`, { cause }); }
  const headers = Object.fromEntries(header.map((text) => {
    const [, name, value] = /^([^:\s]+)\s*:\s*(.*)$/.exec(text) ?? [];
    if (name === undefined) throw new UsageError(`--header must be a name and a text such as "X-Customer-Id: 42", not "${text}"`);
    return [name, value];
  }));
  return { to, persona, ...(from === undefined ? {} : { from }), ...(account === undefined ? {} : credentials('--credentials', account)), ...(header.length > 0 ? { headers } : {}) };
}

function credentials(name: string, text: string): { username: string; password: string } {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1) throw new UsageError(`${name} must be a user name and a password such as trunk:secret`);
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
