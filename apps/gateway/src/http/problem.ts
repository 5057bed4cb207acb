import { problems, type FieldProblem, type ProblemCode } from '@dialfleet/contracts';

export interface ProblemExtras {
  errors?: FieldProblem[];
  /** Becomes `Retry-After`. */
  retryAfterSeconds?: number;
  /** Further members of the problem body. */
  members?: Record<string, unknown>;
}

/** An answer that is not a success: thrown anywhere, put on the wire by ProblemFilter alone. */
export class ProblemError extends Error {
  constructor(readonly code: ProblemCode, readonly detail: string, readonly extras: ProblemExtras = {}) {
    super(`${code}: ${detail}`);
    this.name = 'ProblemError';
  }
}

export const invalid = (errors: FieldProblem[]): ProblemError =>
  new ProblemError('invalid_request', errors.length === 1 ? `${errors[0].path || 'The body'} ${errors[0].message}.` : 'The request does not validate.', { errors });
export const invalidField = (path: string, message: string): ProblemError => invalid([{ path, message }]);

/** RFC 9457. */
export function problemBody(error: ProblemError, requestId: string): Record<string, unknown> {
  const { status, title } = problems[error.code];
  return {
    type: `urn:dialfleet:problem:${error.code}`, title, status, detail: error.detail, code: error.code, request_id: requestId,
    ...(error.extras.errors ? { errors: error.extras.errors } : {}), ...error.extras.members,
  };
}
