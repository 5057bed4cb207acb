import type { IncomingMessage } from 'node:http';
import { requestId } from '@dialfleet/kit';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { guardRoutes } from './auth/access.js';
import { KeyAuthenticator } from './auth/key-authenticator.js';
import { serveApiDocs } from './api-docs.js';
import { GatewayModule, type GatewayParts } from './gateway.module.js';
import { nestLogger } from './http/nest-logger.js';
import { problemBody, ProblemError } from './http/problem.js';
import { ProblemFilter } from './http/problem.filter.js';
import { GatewayMetrics } from './metrics/gateway-metrics.js';

export const BODY_LIMIT_BYTES = 256 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/** The gateway over its parts, not yet listening. */
export async function createGateway(parts: GatewayParts): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES, requestTimeout: REQUEST_TIMEOUT_MS, genReqId: requestIdOf, return503OnClosing: false, forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 }, frameworkErrors: answerUnroutable,
    // `__proto__` in a body is dropped; DTOs and templates never see it.
    onProtoPoisoning: 'remove', onConstructorPoisoning: 'remove',
  });
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.of(parts), adapter, {
    logger: nestLogger(parts.logger), bodyParser: false, abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter(parts.logger));
  const server = adapter.getInstance<FastifyInstance>();
  server.removeContentTypeParser('text/plain');
  acceptEmptyJson(server);
  guardRoutes(server, app.get(KeyAuthenticator));
  measure(server, app.get(GatewayMetrics));
  serveApiDocs(app);
  await app.init();
  return app;
}

/** Clients that always send `Content-Type: application/json` send it with DELETE, and with POST that needs no body. */
function acceptEmptyJson(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('remove', 'remove');
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null); else void parse(request, body, done);
  });
}

/** A path that the router cannot read (`%zz`) reaches no hook and no filter. */
function answerUnroutable(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const problem = new ProblemError('not_found', 'There is nothing at this path.');
  void reply.code(404).header('x-request-id', request.id).type('application/problem+json').send(JSON.stringify(problemBody(problem, request.id)));
}

/** A caller's X-Request-Id is kept where it is harmless in headers and logs. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(given) ? given : requestId();
}

function measure(server: FastifyInstance, metrics: GatewayMetrics): void {
  server.addHook('onResponse', (request, reply, done) => {
    metrics.answered(request.method, request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime);
    done();
  });
}
