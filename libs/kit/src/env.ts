/** A setting that cannot be used: its message names the variable, what it holds and what it may hold. */
export class SettingError extends Error {
  constructor(message: string) { super(message); this.name = 'SettingError'; }
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
