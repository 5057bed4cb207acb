/** One SIP message of a call as it went over the wire, for people who look for a fault. Secrets are masked. */
export interface LadderMessage {
  /** ISO 8601. */
  at: string;
  direction: 'sent' | 'received';
  /** `UDP`, `TCP`, `TLS`, `WS`, `WSS`. */
  transport: string;
  /** `address:port` of the other side. */
  peer: string;
  /** `INVITE sip:… SIP/2.0` or `SIP/2.0 200 OK`. */
  startLine: string;
  /** Header fields one per line; credentials and digest responses masked. */
  headers: string;
  /** The session description, SRTP keys masked; bodies of other types are left out. */
  sdp?: string;
  /** The same message went over the wire this many times more. */
  repeated?: number;
  /** So many messages before this one were not kept. */
  omittedBefore?: number;
}

/** A message as the timeline event `sip.ladder` has it. */
export interface LadderLine {
  at: string; direction: 'sent' | 'received'; transport: string; peer: string; start_line: string; headers: string;
  sdp?: string; repeated?: number; omitted_before?: number;
}

export const ladderLine = ({ startLine, omittedBefore, ...rest }: LadderMessage): LadderLine => ({
  ...rest, start_line: startLine, ...(omittedBefore === undefined ? {} : { omitted_before: omittedBefore }),
});

const LEFT = 'us';
const ARROW_WIDTH = 46;

/**
 * The messages as plain text: a diagram of arrows with times, then each message whole.
 * @param ending how the call ended, in one line: a call may fail before anything is sent
 */
export function renderLadder(lines: readonly LadderLine[], ending?: string): string {
  const told = ending === undefined ? [] : [`Ended: ${ending}`];
  if (lines.length === 0) return ['No SIP message of this call is known.', ...told, ''].join('\n');
  const sorted = [...lines].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const startMs = Date.parse(sorted[0].at);
  const peers = [...new Set(sorted.map(({ peer }) => peer))];
  const diagram = sorted.flatMap((line) => arrow(line, startMs, peers));
  const messages = sorted.map((line, index) => whole(line, index));
  return [`${' '.repeat(10)}${LEFT}${' '.repeat(ARROW_WIDTH - LEFT.length)}${peers.join(' / ')}`, ...diagram, ...told, '', ...messages].join('\n');
}

function arrow(line: LadderLine, startMs: number, peers: string[]): string[] {
  const time = `+${((Date.parse(line.at) - startMs) / 1000).toFixed(3)}s`.padStart(9);
  const label = ` ${shortStartLine(line.start_line)}${line.sdp === undefined ? '' : ' (SDP)'} `.slice(0, ARROW_WIDTH - 6);
  const dashes = '-'.repeat(ARROW_WIDTH - 4 - label.length);
  const drawn = line.direction === 'sent' ? `|--${label}${dashes}>|` : `|<-${label}${dashes}-|`;
  const notes = [peers.length > 1 ? line.peer : '', line.repeated ? `repeated ${line.repeated === 1 ? 'once' : `${line.repeated} times`}` : ''].filter(Boolean).join(', ');
  const gap = line.omitted_before ? [`${' '.repeat(10)}   … ${line.omitted_before} messages not kept …`] : [];
  return [...gap, `${time} ${drawn}${notes === '' ? '' : `  ${notes}`}`];
}

/** `INVITE sip:… SIP/2.0` → `INVITE`; `SIP/2.0 200 OK` → `200 OK`. */
const shortStartLine = (startLine: string): string => (startLine.startsWith('SIP/2.0 ') ? startLine.slice(8) : startLine.split(' ')[0]);

function whole(line: LadderLine, index: number): string {
  const from = `${line.direction === 'sent' ? 'to' : 'from'} ${line.peer} (${line.transport})`;
  const body = line.sdp === undefined ? '' : `\n\n${line.sdp}`;
  return `--- ${index + 1}. ${line.at} ${line.direction} ${from}\n${line.start_line}\n${line.headers}${body}\n`;
}
