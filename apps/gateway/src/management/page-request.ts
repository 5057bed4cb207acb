import type { PageQuery } from '@dialfleet/contracts';
import type { PageRequest } from '@dialfleet/database';

const DEFAULT_LIMIT = 50;

export const pageRequest = ({ limit, cursor }: PageQuery): PageRequest => ({ limit: limit ?? DEFAULT_LIMIT, cursor });
