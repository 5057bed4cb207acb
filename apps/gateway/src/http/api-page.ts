import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, getSchemaPath } from '@nestjs/swagger';

/** Documents a list: `{data: [item], next_cursor}`. */
export const ApiPage = (item: Type): MethodDecorator => applyDecorators(ApiExtraModels(item), ApiOkResponse({ schema: {
  type: 'object', required: ['data', 'next_cursor'],
  properties: { data: { type: 'array', items: { $ref: getSchemaPath(item) } }, next_cursor: { type: 'string', nullable: true } },
} }));
