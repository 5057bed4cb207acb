import { isUnavailable } from '@dialfleet/database';
import { problems, type ProblemCode } from '@dialfleet/contracts';
import type { Logger } from '@dialfleet/kit';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalidField, problemBody, ProblemError } from './problem.js';

/** Codes for errors of the HTTP layer itself, by status. */
const byStatus: Readonly<Record<number, { code: ProblemCode; detail: string }>> = {
  404: { code: 'not_found', detail: 'There is nothing at this path.' },
  405: { code: 'method_not_allowed', detail: 'This path does not take that method.' },
  413: { code: 'body_too_large', detail: 'The body is larger than 256 kB.' },
  414: { code: 'not_found', detail: 'The path is too long.' },
  415: { code: 'unsupported_media_type', detail: 'Send the body as application/json.' },
};

const DATABASE_RETRY_SECONDS = 5;

/** The only place where errors become HTTP: RFC 9457 problem details, no stack traces, no inner names. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.problemOf(error, request);
    if (reply.sent || reply.raw.headersSent) return;
    const { retryAfterSeconds } = problem.extras;
    if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
    void reply.code(problems[problem.code].status).type('application/problem+json').send(JSON.stringify(problemBody(problem, request.id)));
  }

  private problemOf(error: unknown, request: FastifyRequest): ProblemError {
    if (error instanceof ProblemError) return error;
    const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown } | null)?.statusCode;
    if (typeof status === 'number' && status >= 400 && status < 500) {
      const known = byStatus[status];
      return known ? new ProblemError(known.code, known.detail) : invalidField('', 'is not readable as JSON');
    }
    const fields = { request_id: request.id, method: request.method, route: request.routeOptions.url };
    if (isUnavailable(error)) {
      this.logger.warn('database unavailable', { ...fields, error: (error as Error).message });
      return new ProblemError('unavailable', 'The database cannot be reached at the moment.', { retryAfterSeconds: DATABASE_RETRY_SECONDS });
    }
    this.logger.error('request failed', { ...fields, error });
    return new ProblemError('internal_error', 'Something went wrong on our side; the request id helps to find it.');
  }
}
