/** One binding as a registrar lists it in the 200 to a REGISTER (RFC 3261 §10.3). */
export interface Binding {
  /** As it stands between the angle brackets. */
  uri: string;
  expiresSeconds: number | undefined;
}

/** A list header's values: commas outside of quotes and angle brackets part them. */
export function listValues(lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+/g) ?? []).map((value) => value.trim()).filter((value) => value !== '');
}

export function bindingsOf(contacts: readonly string[]): Binding[] {
  return listValues(contacts).flatMap((value) => {
    const match = /^(?:"(?:[^"\\]|\\.)*"\s*|[^"<]*)<([^>]*)>(.*)$/s.exec(value) ?? /^([^;\s]+)(.*)$/s.exec(value);
    if (!match || !/^sips?:/i.test(match[1])) return [];
    const expires = /;\s*expires\s*=\s*"?(\d{1,10})/i.exec(match[2])?.[1];
    return [{ uri: match[1], expiresSeconds: expires === undefined ? undefined : Number(expires) }];
  });
}

/** `rinstance` of a binding: which client made it. Many registrars know the parameter, and all must keep it. */
export const instanceOf = (uri: string): string | undefined => /;rinstance=([A-Za-z0-9.-]+)/i.exec(uri)?.[1];

export interface Grant {
  /** Life of our binding from now. */
  expiresSeconds: number;
  /** Bindings of the same trunk by workers that held it before: they ring nobody any more. */
  stale: string[];
}

/**
 * What a 2xx grants the binding `family.instance`: its own `expires`, else the header's, else what was asked for (RFC 3261
 * §10.2.4). A registrar that rewrites contacts may list ours under another name: a single binding is then taken for it.
 */
export function grantOf(contacts: readonly string[], expiresHeader: string | undefined, own: { family: string; instance: string }, askedSeconds: number): Grant {
  const bindings = bindingsOf(contacts);
  const name = `${own.family}.${own.instance}`;
  const ours = bindings.find((binding) => instanceOf(binding.uri) === name) ?? (bindings.length === 1 && !isFamily(bindings[0], own.family) ? bindings[0] : undefined);
  const header = /^\s*(\d{1,10})/.exec(expiresHeader ?? '')?.[1];
  return {
    expiresSeconds: Math.min(ours?.expiresSeconds ?? (header === undefined ? askedSeconds : Number(header)), MAX_SECONDS),
    stale: bindings.filter((binding) => isFamily(binding, own.family) && instanceOf(binding.uri) !== name).map(({ uri }) => uri),
  };
}

/** A timer cannot wait for longer than 24 days. */
const MAX_SECONDS = 7 * 86_400;
const isFamily = ({ uri }: Binding, family: string): boolean => instanceOf(uri)?.split('.')[0] === family;

/** RFC 3608: the way that requests of the registered user take. Values that could not stand in a Route are left out. */
export const serviceRouteOf = (values: readonly string[]): string[] =>
  listValues(values).filter((value) => /^(?:"(?:[^"\\]|\\.)*"\s*)?<sips?:[^<>\s]+>[^\s]*$/i.test(value)).slice(0, 8);

/** Of a 423 (RFC 3261 §20.23); undefined when it names none that is of use. */
export function minExpiresOf(value: string | undefined): number | undefined {
  const seconds = /^\s*(\d{1,10})\s*$/.exec(value ?? '')?.[1];
  return seconds === undefined || Number(seconds) > MAX_SECONDS ? undefined : Number(seconds);
}
