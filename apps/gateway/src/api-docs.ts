import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, getSchemaPath, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { Problem } from '@dialfleet/contracts';
import { requestExamples } from './api-examples.js';

export const API_VERSION = '1.0.0';

export function apiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder().setTitle('Dialfleet').setVersion(API_VERSION)
    .setDescription('Voice-bot calling platform. Errors are RFC 9457 problem details; lists are cursor pages.')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'api_key').build();
  const document = SwaggerModule.createDocument(app, config, { operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}` });
  for (const [path, methods] of Object.entries(document.paths)) for (const operation of operationsOf(methods)) complete(path, operation);
  return document;
}

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;
const operationsOf = ({ get, post, patch, delete: remove }: PathItem): Operation[] => [get, post, patch, remove].filter((operation) => operation !== undefined);

/** What holds for every route and is therefore said once, here. */
function complete(path: string, operation: Operation): void {
  // A method with two paths is numbered: [0], [1].
  operation.operationId = operation.operationId?.replace('[0]', '').replace(/\[\d+\]/, 'Alias');
  const { responses } = operation;
  if (path.includes('{')) responses['404'] ??= problem('Nothing of this workspace has this id');
  if (operation.requestBody || operation.parameters?.some((parameter) => 'in' in parameter && parameter.in === 'query')) responses['422'] ??= problem('invalid_request');
  if (path.startsWith('/api/')) responses['503'] ??= problem('unavailable');
  for (const [status, response] of Object.entries(responses)) if (Number(status) >= 400 && response && 'content' in response) asProblem(response.content);
  offerExamples(operation);
}

/** Whatever a route produces when all goes well: text and audio, too. */
function asProblem(content: Record<string, object> = {}): void {
  for (const type of Object.keys(content).filter((type) => type !== PROBLEM_JSON)) {
    content[PROBLEM_JSON] = content[type];
    delete content[type];
  }
}
const PROBLEM_JSON = 'application/problem+json';

const problem = (description: string) => ({ description, content: { 'application/json': { schema: { $ref: getSchemaPath(Problem) } } } });

function offerExamples({ requestBody }: Operation): void {
  const body = requestBody && 'content' in requestBody ? requestBody.content['application/json'] : undefined;
  const name = body?.schema && '$ref' in body.schema ? body.schema.$ref.split('/').at(-1) : undefined;
  const examples = Object.entries(requestExamples).find(([type]) => type === name)?.[1];
  if (body && examples) body.examples = Object.fromEntries(Object.entries(examples).map(([summary, value]) => [summary, { value: value as unknown }]));
}

/** `/docs` for people, `/docs/openapi.json` for programs. */
export function serveApiDocs(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => apiDocument(app), { jsonDocumentUrl: 'docs/openapi.json', yamlDocumentUrl: 'docs/openapi.yaml', customSiteTitle: 'Dialfleet API' });
}
