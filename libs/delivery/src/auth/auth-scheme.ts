/** One way for a push to prove itself to the receiver besides the signature. `options` come from the endpoint's settings. */
export interface AuthScheme {
  /** Shown to people. */
  readonly label: string;
  /** Request headers, lower-case names. @throws Error that names what is missing, never a value. */
  headers(options: Readonly<Record<string, string>>): Record<string, string>;
}

/** @throws Error naming the option. */
export function required(options: Readonly<Record<string, string>>, name: string): string {
  const value = Object.hasOwn(options, name) ? options[name] : '';
  if (value === '') throw new Error(`the endpoint's auth has no "${name}"`);
  return value;
}
