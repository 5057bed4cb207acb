import { parse } from 'yaml';
import { readText } from './repository.js';

export interface ComposeService {
  build?: { context: string; args: { APP: string } };
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  network_mode?: string;
  user?: string;
  privileged?: boolean;
  init?: boolean;
  read_only?: boolean;
  cap_drop?: string[];
  restart?: string;
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { disable?: boolean; test?: string[] };
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
  configs: Record<string, { content: string }>;
}

/** A variable that the file insists on is not set. */
export class MissingVariable extends Error {}

const VARIABLE = /\$(?:\$|\{([A-Z0-9_]+)(?:(:-|:\?)((?:[^}])*))?\})/g;

/** The forms of the compose specification that the file uses: `${A}`, `${A:-default}`, `${A:?message}`, `$$`. */
export function interpolate(text: string, env: Record<string, string>): string {
  return text.replace(VARIABLE, (match, name: string | undefined, operator: string | undefined, word = '') => {
    if (match === '$$') return '$';
    const value = env[name ?? ''] ?? '';
    if (value !== '') return value;
    if (operator === ':?') throw new MissingVariable(`${name}: ${word}`);
    return operator === ':-' ? word : '';
  });
}

export const composeText = (): string => readText('docker-compose.yml');
export const variablesOf = (text: string): string[] => [...new Set([...text.matchAll(VARIABLE)].flatMap((match) => match[1] ?? []))].sort();

/** The file as compose sees it: anchors merged, variables replaced. */
export function composeFile(env: Record<string, string>): ComposeFile {
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string') return interpolate(value, env);
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner)]));
    return value;
  };
  return replaced(parse(composeText(), { merge: true })) as ComposeFile;
}

/** `KEY=value` lines. */
export const parseEnvFile = (text: string): Record<string, string> =>
  Object.fromEntries(text.split('\n').filter((line) => /^[A-Z]/.test(line)).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));

/** `11m`, `90s`, `1h30m` in seconds. */
export function durationSeconds(text: string): number {
  const unit = { h: 3600, m: 60, s: 1 };
  return [...text.matchAll(/(\d+)([hms])/g)].reduce((sum, [, count, name]) => sum + Number(count) * unit[name as keyof typeof unit], 0);
}
