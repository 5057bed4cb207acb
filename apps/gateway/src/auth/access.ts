import type { Scope } from '@dialfleet/contracts';
import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiForbiddenResponse, ApiSecurity, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { Problem } from '@dialfleet/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from '../http/problem.js';
import type { KeyAuthenticator } from './key-authenticator.js';
import { mayDo, type Principal } from './principal.js';

declare module 'fastify' {
  interface FastifyContextConfig { scope?: Scope | 'public' }
  interface FastifyRequest { principal?: Principal }
}

/** The route needs a key with this scope. */
export const Requires = (scope: Scope): MethodDecorator => applyDecorators(
  RouteConfig({ scope }), ApiSecurity('api_key'),
  ApiUnauthorizedResponse({ type: Problem, description: 'invalid_api_key' }), ApiForbiddenResponse({ type: Problem, description: 'forbidden' }),
);

/** The principal of a route that requires one. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!principal) throw new Error('a route asks for its caller but requires no scope');
  return principal;
});

export interface RequestContext { principal: Principal; requestId: string }
/** Who asked, under which request id: what the audit log wants to know. */
export const Context = createParamDecorator((_data: unknown, context: ExecutionContext): RequestContext => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  if (!request.principal) throw new Error('a route asks for its caller but requires no scope');
  return { principal: request.principal, requestId: request.id };
});

/**
 * Checks the key as soon as the headers are there, before a byte of the body is read. A route under /api/ that says
 * nothing about access is refused.
 */
export function guardRoutes(server: FastifyInstance, authenticator: KeyAuthenticator): void {
  server.decorateRequest('principal', undefined);
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    if (request.is404) return;
    const { scope } = request.routeOptions.config;
    if (scope === undefined && request.url.startsWith('/api/')) throw new Error(`route ${request.routeOptions.url} says nothing about access`);
    if (scope === undefined || scope === 'public') return;
    request.principal = await authenticator.authenticate(request.headers['x-api-key']);
    if (!mayDo(request.principal, scope)) throw new ProblemError('forbidden', `This key lacks the scope ${scope}.`);
  });
}
