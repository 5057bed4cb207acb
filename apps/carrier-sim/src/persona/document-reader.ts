export interface DocumentIssue {
  /** `turns[2].says`; empty for the document itself. */
  path: string;
  message: string;
}

interface Range { min: number; max: number; fallback: number }

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads one JSON object field by field. Each complaint goes to `issues` with its path and the reading goes on with the
 * fallback, so that all mistakes of a document are told at once.
 */
export class DocumentReader {
  private constructor(
    private readonly fields: Record<string, unknown>, private readonly path: string, readonly issues: DocumentIssue[]) {}

  /** Undefined, with an issue, when `value` is not an object; fields not in `known` are issues. */
  static of(value: unknown, known: readonly string[], path = '', issues: DocumentIssue[] = []): DocumentReader | undefined {
    if (!isObject(value)) {
      issues.push({ path, message: `must be an object, not ${shown(value)}` });
      return undefined;
    }
    const reader = new DocumentReader(value, path, issues);
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) reader.complain(key, `is not known here (known: ${known.join(', ')})`);
    }
    return reader;
  }

  has(key: string): boolean { return Object.hasOwn(this.fields, key) && this.fields[key] !== undefined; }

  value(key: string): unknown { return this.has(key) ? this.fields[key] : undefined; }

  complain(key: string, message: string): void { this.issues.push({ path: this.pathOf(key), message }); }

  text(key: string, rule: { fallback: string; matches?: RegExp; shape?: string; maxChars?: number; required?: boolean }): string {
    if (!this.has(key)) {
      if (rule.required) this.complain(key, 'is missing');
      return rule.fallback;
    }
    const value = this.fields[key];
    const { matches = /\S/, shape = 'text', maxChars = 500 } = rule;
    if (typeof value === 'string' && matches.test(value) && value.length <= maxChars) return value;
    const tooLong = typeof value === 'string' && value.length > maxChars;
    this.complain(key, tooLong ? `is longer than ${maxChars} characters` : `must be ${shape}, not ${shown(value)}`);
    return rule.fallback;
  }

  integer(key: string, range: Range): number {
    return this.number(key, range, Number.isInteger, 'a whole number');
  }

  number(key: string, range: Range, accepts: (value: number) => boolean = Number.isFinite, shape = 'a number'): number {
    if (!this.has(key)) return range.fallback;
    const value = this.fields[key];
    if (typeof value === 'number' && accepts(value) && value >= range.min && value <= range.max) return value;
    this.complain(key, `must be ${shape} from ${range.min} to ${range.max}, not ${shown(value)}`);
    return range.fallback;
  }

  flag(key: string, fallback: boolean): boolean {
    if (!this.has(key)) return fallback;
    const value = this.fields[key];
    if (typeof value === 'boolean') return value;
    this.complain(key, `must be true or false, not ${shown(value)}`);
    return fallback;
  }

  oneOf<T extends string>(key: string, options: readonly T[], fallback: T): T {
    if (!this.has(key)) return fallback;
    const value = this.fields[key];
    const found = options.find((option) => option === value);
    if (found === undefined) this.complain(key, `must be one of ${options.join(', ')}, not ${shown(value)}`);
    return found ?? fallback;
  }

  object(key: string, known: readonly string[]): DocumentReader | undefined {
    return DocumentReader.of(this.value(key), known, this.pathOf(key), this.issues);
  }

  /** Items of a list with their paths; an absent list is empty. */
  list(key: string, maxItems: number): { value: unknown; path: string }[] {
    if (!this.has(key)) return [];
    const value = this.fields[key];
    if (Array.isArray(value) && value.length <= maxItems) return value.map((item: unknown, i) => ({ value: item, path: `${this.pathOf(key)}[${i}]` }));
    this.complain(key, Array.isArray(value) ? `has more than ${maxItems} items` : `must be a list, not ${shown(value)}`);
    return [];
  }

  private pathOf(key: string): string { return this.path === '' ? key : `${this.path}.${key}`; }
}
