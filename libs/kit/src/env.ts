import { isLogLevel, type LogLevel } from './logger.js';

/** A setting that cannot be used: its message names the variable, what it holds and what it may hold. */
export class SettingError extends Error {
  constructor(message: string, options?: ErrorOptions) { super(message, options); this.name = 'SettingError'; }
}

export type Env = Readonly<Record<string, string | undefined>>;

const given = (env: Env, name: string): string | undefined => { const value = env[name]?.trim(); return value === '' ? undefined : value; };

export const envText = (env: Env, name: string, fallback: string): string => given(env, name) ?? fallback;

export function envRequired(env: Env, name: string, what: string): string {
  const value = given(env, name);
  if (value === undefined) throw new SettingError(`${name} is not set: ${what}`);
  return value;
}

export function envInteger(env: Env, name: string, fallback: number, range: { min: number; max: number }): number {
  const value = given(env, name);
  if (value === undefined) return fallback;
  const number = Number(value);
  if (Number.isInteger(number) && number >= range.min && number <= range.max) return number;
  throw new SettingError(`${name} must be a whole number from ${range.min} to ${range.max}, not ${JSON.stringify(value)}`);
}

/** `30000-39999`, both ends included. */
export function envPortRange(env: Env, name: string, fallback: { min: number; max: number }): { min: number; max: number } {
  const value = given(env, name);
  if (value === undefined) return fallback;
  const match = /^(\d{1,5})\s*-\s*(\d{1,5})$/.exec(value);
  const range = { min: Number(match?.[1]), max: Number(match?.[2]) };
  if (match && range.min >= 1024 && range.max <= 65535 && range.max - range.min >= 3) return range;
  throw new SettingError(`${name} must be a range of ports such as 30000-39999, not ${JSON.stringify(value)}`);
}

export function envLogLevel(env: Env, name: string): LogLevel {
  const value = envText(env, name, 'info');
  if (isLogLevel(value)) return value;
  throw new SettingError(`${name} must be debug, info, warn, error or silent, not ${JSON.stringify(value)}`);
}

/** What an operator must know when the port that `name` sets cannot be bound; any other error comes back as it is. */
export function portProblem(error: unknown, name: string, port: string): unknown {
  const { code } = error as { code?: unknown };
  const why = code === 'EADDRINUSE' ? 'is taken by another program' : code === 'EACCES' ? 'needs more rights than this process has' : undefined;
  return why === undefined ? error : new SettingError(`${name}: ${port} ${why}`, { cause: error });
}

/** An http(s) URL without its trailing slashes; `fallback` where none is given. */
export function envHttpUrl<Fallback extends string | null>(env: Env, name: string, fallback: Fallback): string | Fallback {
  const value = given(env, name);
  if (value === undefined) return fallback;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value.replace(/\/+$/, '');
  throw new SettingError(`${name} must be an http(s) URL, not ${JSON.stringify(value)}`);
}
