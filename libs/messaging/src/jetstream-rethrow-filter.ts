import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

/** Hands a handler's own error to JetStreamStrategy: Nest's default filter would replace it by "Internal server error". */
@Catch()
export class JetStreamRethrowFilter implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> { return throwError(() => error); }
}
