import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';

export const API_VERSION = '1.0.0';

export function apiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder().setTitle('Dialfleet').setVersion(API_VERSION)
    .setDescription('Voice-bot calling platform. Errors are RFC 9457 problem details; lists are cursor pages.')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'api_key').build();
  return SwaggerModule.createDocument(app, config, { operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}` });
}

/** `/docs` for people, `/docs/openapi.json` for programs. */
export function serveApiDocs(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => apiDocument(app), { jsonDocumentUrl: 'docs/openapi.json', yamlDocumentUrl: 'docs/openapi.yaml', customSiteTitle: 'Dialfleet API' });
}
