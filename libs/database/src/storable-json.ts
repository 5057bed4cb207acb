// PostgreSQL's jsonb takes neither NUL nor half a surrogate pair.
const UNSTORABLE = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export const storableText = (text: string): string => text.replace(UNSTORABLE, '\ufffd');

/** JSON text that a jsonb or text column takes whatever the value holds. */
export const storableJson = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'string') return storableText(item);
    return isPlainObject(item) && Object.keys(item).some((key) => storableText(key) !== key)
      ? Object.fromEntries(Object.entries(item).map(([key, entry]) => [storableText(key), entry])) : item;
  });

const isPlainObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
