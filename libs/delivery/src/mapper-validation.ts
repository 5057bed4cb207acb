import { templatePaths } from '@dialfleet/bot';
import { coercions } from './coercion.js';
import { isForced } from './key-mapper.js';

export interface MapperProblem { /** Where in the mapper, e.g. `lead.id` or `tags[1]`. */ path: string; message: string }

const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);
const MAX_DEPTH = 10;
const MAX_VALUES = 500;
const MAX_TEXT_CHARS = 16_384;

/** Everything wrong with a key mapper, in the operator's words; empty when it can be used. */
export function validateMapper(mapper: unknown): MapperProblem[] {
  if (!isObject(mapper)) return [{ path: '', message: 'must be a JSON object from the CRM\'s field names to templates or constants' }];
  if (Object.keys(mapper).length === 0) return [{ path: '', message: 'must map at least one field' }];
  const checker = new MapperChecker();
  checker.object(mapper, '', 1);
  return checker.problems;
}

class MapperChecker {
  readonly problems: MapperProblem[] = [];
  private readonly targets = new Map<string, 'value' | 'object'>();
  private values = 0;

  object(mapper: Record<string, unknown>, at: string, depth: number): void {
    for (const [key, value] of Object.entries(mapper)) {
      const path = at === '' ? key : `${at}.${key}`;
      if (this.key(key, path)) this.value(value, path, depth);
    }
  }

  private key(key: string, path: string): boolean {
    const parts = key.split('.');
    if (parts.some((part) => part === '')) return this.problem(path, 'a dotted path must not have empty parts');
    const forbidden = parts.find((part) => forbiddenKeys.has(part));
    if (forbidden !== undefined) return this.problem(path, `"${forbidden}" cannot be a field name`);
    if (path.split('.').length > MAX_DEPTH) return this.problem(path, `nested deeper than ${MAX_DEPTH} levels`);
    return true;
  }

  private value(value: unknown, path: string, depth: number): void {
    if (depth > MAX_DEPTH) { this.problem(path, `nested deeper than ${MAX_DEPTH} levels`); return; }
    if (++this.values > MAX_VALUES) {
      if (this.values === MAX_VALUES + 1) this.problem(path, `more than ${MAX_VALUES} fields`);
      return;
    }
    if (isObject(value) && !isForced(value)) {
      if (looksForced(value)) this.problem(path, `"as" must be one of ${coercions.join(', ')}, beside a "value" that is text`);
      else { this.claim(path, 'object'); this.object(value, path, depth + 1); }
      return;
    }
    this.claim(path, 'value');
    this.leaf(value, path, depth);
  }

  private leaf(value: unknown, path: string, depth: number): void {
    if (Array.isArray(value)) value.forEach((item, index) => { this.value(item, `${path}[${index}]`, depth + 1); });
    else if (isForced(value)) this.template(value.value, path);
    else if (typeof value === 'string') this.template(value, path);
    else if (typeof value === 'number' && !Number.isFinite(value)) this.problem(path, 'must be a finite number');
    else if (value !== null && !['number', 'boolean'].includes(typeof value)) this.problem(path, 'must be a JSON value');
  }

  private template(text: string, path: string): void {
    if (text.length > MAX_TEXT_CHARS) { this.problem(path, `longer than ${MAX_TEXT_CHARS} characters`); return; }
    const paths = templatePaths(text);
    for (const template of paths) {
      const message = templateProblem(template);
      if (message !== undefined) this.problem(path, message);
    }
    if (/\{\{|\}\}/.test(text.replace(/\{\{[^{}]*\}\}/g, ''))) this.problem(path, 'has "{{" or "}}" without its partner');
  }

  /** Two keys of the mapper must not claim the same place, nor one place as a value and as an object. */
  private claim(path: string, kind: 'value' | 'object'): void {
    const parts = path.split('.');
    for (let n = 1; n < parts.length; n++) this.occupy(parts.slice(0, n).join('.'), 'object', path);
    this.occupy(path, kind, path);
  }

  private occupy(place: string, kind: 'value' | 'object', path: string): void {
    const present = this.targets.get(place);
    if (present === undefined) this.targets.set(place, kind);
    else if (present === 'value' || kind === 'value') this.problem(path, `"${place}" is mapped twice`);
  }

  private problem(path: string, message: string): false {
    this.problems.push({ path, message });
    return false;
  }
}

/** Only the form is judged: what turns out to have no value is `""` in the body and listed as unresolved, never a lost push. */
const templateProblem = (path: string): string | undefined =>
  (/^[^\s.]+(\.[^\s.]+)*$/.test(path) ? undefined : `"{{${path}}}" names no field`);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Someone meant the option form and got it wrong. */
const looksForced = (value: Record<string, unknown>): boolean => {
  const keys = Object.keys(value);
  return keys.length === 2 && Object.hasOwn(value, 'value') && Object.hasOwn(value, 'as');
};
