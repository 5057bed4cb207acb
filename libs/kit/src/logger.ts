/** What the product needs from a logger; apps bind it to JSON lines on stderr, tests to nothing. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** A logger that adds `fields` to each line. */
  child(fields: Record<string, unknown>): Logger;
}

const levels = { debug: 10, info: 20, warn: 30, error: 40, silent: 99 } as const;
export type LogLevel = keyof typeof levels;

/** One JSON object a line. `write` takes the finished line without a newline. */
export function jsonLogger(level: LogLevel, write: (line: string) => void, bound: Record<string, unknown> = {}): Logger {
  const log = (name: Exclude<LogLevel, 'silent'>) => (message: string, fields?: Record<string, unknown>): void => {
    if (levels[name] < levels[level]) return;
    write(JSON.stringify({ time: new Date().toISOString(), level: name, message, ...bound, ...fields }, jsonSafe));
  };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error'),
    child: (fields) => jsonLogger(level, write, { ...bound, ...fields }) };
}

const jsonSafe = (_key: string, value: unknown): unknown => {
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack };
  return typeof value === 'bigint' ? value.toString() : value;
};

export const silentLogger: Logger = jsonLogger('silent', () => undefined);

export const isLogLevel = (text: string | undefined): text is LogLevel => text !== undefined && Object.hasOwn(levels, text);

/** The same logger in the shape that Nest expects (`LoggerService`): its context becomes a field. */
export function frameworkLogger(logger: Logger) {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: unknown, ...rest: unknown[]): void => {
    const context = rest.at(-1);
    logger[level](typeof message === 'string' ? message : JSON.stringify(message), typeof context === 'string' ? { context } : {});
  };
  return { log: at('debug'), debug: at('debug'), verbose: at('debug'), warn: at('warn'), error: at('error'), fatal: at('error') };
}
