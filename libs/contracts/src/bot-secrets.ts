import { isRecord } from './rules.js';

/** Shown in place of a secret; sent back unchanged, it keeps the secret that is stored. */
export const SECRET_MASK = '********';

/** Values by their place in the settings: `prefetch/headers/Authorization`. */
export type ConfigSecrets = Record<string, string>;

const SECRET_NAME = /(^|_)(api_?key|key|token|secret|password)$/i;
const isSecret = (path: readonly string[]): boolean => path.at(-2) === 'headers' || (path.includes('options') && SECRET_NAME.test(path.at(-1) ?? ''));

/** Takes what must not be read back out of bot settings: headers, and keys among provider options. `kept` fills in for masks. */
export function splitSecrets(config: object, kept: ConfigSecrets = {}): { config: Record<string, unknown>; secrets: ConfigSecrets } {
  const secrets: ConfigSecrets = {};
  const masked = mapTexts(config, [], (text, path) => {
    if (!isSecret(path)) return text;
    const place = pointer(path);
    const value = text === SECRET_MASK && Object.hasOwn(kept, place) ? kept[place] : text;
    secrets[place] = value;
    return SECRET_MASK;
  });
  return { config: masked as Record<string, unknown>, secrets };
}

/** The settings with their secrets in place, for the worker. */
export function joinSecrets<T extends object>(config: T, secrets: ConfigSecrets): T {
  return mapTexts(config, [], (text, path) => {
    const place = pointer(path);
    return text === SECRET_MASK && Object.hasOwn(secrets, place) ? secrets[place] : text;
  }) as T;
}

const pointer = (path: readonly string[]): string => path.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');

function mapTexts(value: unknown, path: readonly string[], map: (text: string, path: readonly string[]) => string): unknown {
  if (typeof value === 'string') return map(value, path);
  if (Array.isArray(value)) return value.map((item, i) => mapTexts(item, [...path, String(i)], map));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, [...path, key], map)]));
}
