import { renderTemplate, resolvePath, templatePaths, wholeTemplatePath, type TemplateScope } from '@dialfleet/bot';
import { coerce, isCoercion, type Coercion } from './coercion.js';
import type { JsonValue } from './json-value.js';

/**
 * A CRM push body as the operator writes it: the CRM's field name → a template, a constant, or a nested mapper.
 *
 * - A key may be a dotted path: `"lead.id"` becomes `{"lead": {"id": …}}`.
 * - Text that is exactly one template keeps the value's JSON type; mixed text becomes a string.
 * - `{"value": "{{result.call_duration_seconds}}", "as": "string"}` forces a type.
 * - Numbers, booleans, null stand for themselves; arrays and objects hold any of these.
 */
export type KeyMapper = { readonly [target: string]: MapperValue };
export type MapperValue = string | number | boolean | null | readonly MapperValue[] | { readonly [key: string]: MapperValue };

export interface MappedBody {
  /** Objects without a prototype: safe to build from any key, serialised by JSON.stringify as usual. */
  body: { [key: string]: JsonValue };
  /** Template paths that had no value, or none of the type asked for; `""` stands in their place. Each once. */
  unresolved: string[];
}

/** Builds the body. Values are placed, never pasted: nothing in them is expanded again or read as structure. */
export function mapBody(mapper: KeyMapper, scope: TemplateScope): MappedBody {
  const unresolved = new Set<string>();
  const body = renderBranch(growTree(mapper), scope, unresolved);
  return { body, unresolved: [...unresolved] };
}

/** Targets as a tree, so that `a.b` and `{"a": {"b": …}}` meet. A later target replaces an earlier one in its way. */
type Branch = Map<string, Branch | Leaf>;
type Leaf = { readonly template: Exclude<MapperValue, { readonly [key: string]: MapperValue }> | Forced };
type Forced = { readonly value: string; readonly as: Coercion };

function growTree(mapper: KeyMapper, root: Branch = new Map()): Branch {
  for (const [target, value] of Object.entries(mapper)) {
    const parts = target.split('.');
    const last = parts.pop() as string;
    const branch = parts.reduce(branchAt, root);
    if (isNested(value)) growTree(value, branchAt(branch, last));
    else branch.set(last, { template: value as Leaf['template'] });
  }
  return root;
}

function branchAt(parent: Branch, key: string): Branch {
  const present = parent.get(key);
  if (present instanceof Map) return present;
  const branch: Branch = new Map();
  parent.set(key, branch);
  return branch;
}

function renderBranch(branch: Branch, scope: TemplateScope, unresolved: Set<string>): { [key: string]: JsonValue } {
  const out = emptyObject();
  for (const [key, node] of branch) {
    out[key] = node instanceof Map ? renderBranch(node, scope, unresolved) : renderLeaf(node.template, scope, unresolved);
  }
  return out;
}

function renderLeaf(template: Leaf['template'], scope: TemplateScope, unresolved: Set<string>): JsonValue {
  if (typeof template === 'string') return renderText(template, scope, unresolved);
  if (Array.isArray(template)) return template.map((item: MapperValue) => renderItem(item, scope, unresolved));
  if (isForced(template)) return renderForced(template, scope, unresolved);
  return template as number | boolean | null;
}

const renderItem = (item: MapperValue, scope: TemplateScope, unresolved: Set<string>): JsonValue =>
  isNested(item) ? renderBranch(growTree(item), scope, unresolved) : renderLeaf(item as Leaf['template'], scope, unresolved);

function renderText(text: string, scope: TemplateScope, unresolved: Set<string>): JsonValue {
  const path = wholeTemplatePath(text);
  if (path === undefined) return mixedText(text, scope, unresolved);
  const value = resolvePath(path, scope);
  if (value !== undefined) return value as JsonValue;
  unresolved.add(path);
  return '';
}

function mixedText(text: string, scope: TemplateScope, unresolved: Set<string>): string {
  const rendered = renderTemplate(text, scope, 'empty');
  for (const path of rendered.unresolved) unresolved.add(path);
  return rendered.text;
}

function renderForced({ value: text, as }: Forced, scope: TemplateScope, unresolved: Set<string>): JsonValue {
  const missing = new Set<string>();
  const value = renderText(text, scope, missing);
  const coerced = missing.size > 0 && wholeTemplatePath(text) !== undefined ? undefined : coerce(value, as);
  if (coerced === undefined) for (const path of templatePaths(text)) missing.add(path);
  for (const path of missing) unresolved.add(path);
  return coerced === undefined ? '' : coerced;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Exactly `{"value": text, "as": type}`; any other object is a nested mapper. */
export const isForced = (value: unknown): value is Forced =>
  isObject(value) && Object.keys(value).length === 2 && typeof value.value === 'string' && isCoercion(value.as);

const isNested = (value: MapperValue): value is KeyMapper => isObject(value) && !isForced(value);

const emptyObject = (): { [key: string]: JsonValue } => Object.create(null) as { [key: string]: JsonValue };
