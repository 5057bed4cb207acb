/** What a PATCH makes of `current`: given fields replace, `null` removes (RFC 7396, first level only). */
export function mergePatch(current: object, patch: object): Record<string, unknown> {
  const merged = { ...current, ...patch };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null && value !== undefined));
}

/** Names of the fields a change touched, for the audit log: never their values. */
export const fieldsOf = (patch: object): string[] => Object.entries(patch).filter(([, value]) => value !== undefined).map(([key]) => key);

/** A validated request as plain JSON. */
export const plain = (value: object): Record<string, unknown> => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
