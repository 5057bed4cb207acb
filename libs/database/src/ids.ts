import { uuidV7 } from '@dialfleet/kit';

export const idPrefixes = {
  workspace: 'ws', user: 'user', session: 'sess', trunk: 'trunk', number: 'num', bot: 'bot', endpoint: 'ep', delivery: 'dlv',
  attempt: 'att', audit: 'audit', credential: 'cred',
} as const;

/** `<prefix>_<32 hex>`: a UUIDv7 without hyphens, so that ids of one kind sort by creation. */
export const newId = (kind: keyof typeof idPrefixes): string => `${idPrefixes[kind]}_${uuidV7().replaceAll('-', '')}`;

const ID = /^[A-Za-z0-9_-]{1,64}$/;
/** Whether a text from outside can be an id at all; anything else is answered without asking the database. */
export const isId = (text: string): boolean => ID.test(text);
