export * from './persona/persona.js';
export * from './persona/parse-persona.js';
export * from './persona/persona-source.js';
