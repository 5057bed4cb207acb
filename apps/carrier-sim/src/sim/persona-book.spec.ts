import { describe, expect, it } from '@jest/globals';
import { PersonaError } from '../persona/parse-persona.js';
import { PersonaBook } from './persona-book.js';

describe('PersonaBook', () => {
  const book = new PersonaBook({ default: 'silent', byNumber: { '+1 (415) 555-0123': 'busy', 'front-desk': { name: 'desk', turns: [{ says: 'Hello.' }] } } });

  it.each([
    ['+14155550123', 'busy'], ['14155550123', 'busy'], ['front-desk', 'desk'], ['voicemail', 'voicemail'],
    ['+14155550124', 'silent'], ['', 'silent'], ['__proto__', 'silent'],
  ])('%s is answered by %s', (dialled, name) => {
    expect(book.personaFor(dialled).name).toBe(name);
  });

  it('expects the default and the listed ones', () => {
    expect(book.expected.map(({ name }) => name)).toEqual(['silent', 'busy', 'desk']);
  });

  it('refuses personas that do not exist', () => {
    expect(() => new PersonaBook({ byNumber: { 1: 'nobody' } })).toThrow(PersonaError);
  });
});
