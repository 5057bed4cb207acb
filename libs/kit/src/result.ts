/** An expected outcome: either a value or a code that the caller must handle. Faults are thrown instead. */
export type Result<T, E extends { code: string }> = { ok: true; value: T } | ({ ok: false } & E);

export const ok = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });
export const fail = <E extends { code: string }>(failure: E): { ok: false } & E => ({ ok: false, ...failure });

/** A fault: something that should not happen in normal running. It knows itself whether trying again can help. */
export class Fault extends Error {
  constructor(message: string, readonly retryable: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

export const errorMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error));
