const bold = (text: string): string => (process.stderr.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
const dim = (text: string): string => (process.stderr.isTTY ? `\u001b[2m${text}\u001b[0m` : text);

const lines: Record<string, (data: Record<string, unknown>) => string | null> = {
  'call.dialling': (data) => dim(`dialling ${String(data['to_number'])}`),
  'call.ringing': () => dim('ringing'),
  'call.answered': () => dim('answered'),
  'turn.bot': (data) => `${bold('bot     ')} ${String(data['text'])}${data['interrupted'] === true ? dim('  (interrupted)') : ''}`,
  'turn.customer': (data) => `${bold('customer')} ${String(data['text'])}`,
  'silence.prompted': () => dim('(silence)'),
  'machine.detected': (data) => dim(`answering machine: ${String(data['reason'] ?? '')}`),
  'call.ended': (data) => dim(`ended by ${String(data['disconnected_by'])} after ${String(data['call_duration_seconds'])} s`),
  'warning': (data) => dim(`warning: ${String(data['message'])}`),
};

/** One readable line for an event of the call's timeline; null for what only machines care about. */
export const lineFor = (event: { type: string; data: Record<string, unknown> }): string | null => lines[event.type]?.(event.data) ?? null;
