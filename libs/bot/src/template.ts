/**
 * `{{namespace.path}}` templates: one pass, own properties only, values never expanded again.
 * A bare `{{field}}` falls back to `system`, then `crm`, then `call`.
 */
export type TemplateScope = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

export interface Rendered { text: string; /** Paths that had no value, in order of appearance, each once. */ unresolved: string[] }

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;
const WHOLE = /^\{\{\s*([^{}]*?)\s*\}\}$/;
const BARE_FALLBACK = ['system', 'crm', 'call'] as const;
const PATH = /^[^\s.]+(\.[^\s.]+)*$/;

/**
 * Renders text. `missing`: what an unresolved placeholder becomes: itself in prompts, `""` in pushes. `encode`: how a value
 * is written in the surrounding text; `encodeURIComponent` in a URL.
 */
export function renderTemplate(template: string, scope: TemplateScope, missing: 'literal' | 'empty' = 'literal', encode = (text: string): string => text): Rendered {
  const unresolved = new Set<string>();
  const text = template.replace(PLACEHOLDER, (literal, path: string) => {
    const value = resolvePath(path, scope);
    if (value !== undefined) return encode(asText(value));
    unresolved.add(path);
    return missing === 'literal' ? literal : '';
  });
  return { text, unresolved: [...unresolved] };
}

/** The path of a value that is exactly one template (`"{{result.duration}}"`): it keeps its JSON type. */
export const wholeTemplatePath = (template: string): string | undefined => WHOLE.exec(template)?.[1];

/** Value at `crm.address.city` or a bare `city`; undefined when any part is not an own property. */
export function resolvePath(path: string, scope: TemplateScope): unknown {
  if (!PATH.test(path)) return undefined;
  const parts = path.split('.');
  if (parts.length > 1) {
    return Object.hasOwn(scope, parts[0]) ? deep(scope[parts[0]], parts.slice(1)) : undefined;
  }
  for (const namespace of BARE_FALLBACK) {
    const value = deep(scope[namespace], parts);
    if (value !== undefined) return value;
  }
  return undefined;
}

function deep(from: unknown, parts: readonly string[]): unknown {
  let value = from;
  for (const part of parts) {
    value = jsonObject(value);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** Variables are stringified at the door, nested ones as JSON: a deeper path looks inside again. */
function jsonObject(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try { return JSON.parse(value) as unknown; } catch { return value; }
}

const asText = (value: unknown): string => (value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value));

/** Placeholders of a text, in order, each once. */
export const templatePaths = (template: string): string[] => [...new Set([...template.matchAll(PLACEHOLDER)].map((m) => m[1]))];
