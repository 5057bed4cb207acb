import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkHeaders } from './request-headers.js';

describe('request headers', () => {
  it('takes ordinary ones', () => { expect(checkHeaders({ Authorization: 'Bearer x', 'x-api-key': 'é' })).toEqual({ Authorization: 'Bearer x', 'x-api-key': 'é' }); });
  it.each([['a b', 'x'], ['', 'x'], ['x:', 'x'], ['x\r\ny', 'x'], ['Host', 'evil'], ['content-length', '5'], ['Transfer-Encoding', 'chunked'],
    ['x', 'a\r\nevil: 1'], ['x', 'a\nb'], ['x', 'a\0b'], ['x', '漢']])('refuses %j: %j', (name, value) => {
    expect(() => checkHeaders({ [name]: value })).toThrow(expect.objectContaining({ code: 'invalid_header' }));
  });
  it('never repeats a value in its complaint', () => {
    expect(() => checkHeaders({ 'x-key': 'secret\n' })).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') as unknown as string }));
  });
  it('passes no line break', () => {
    fc.assert(fc.property(fc.string(), fc.string({ unit: 'binary' }), (name, value) => {
      try { expect(Object.entries(checkHeaders({ [name]: value })).flat().join('')).not.toMatch(/[\r\n\0]/); } catch (error) { expect(error).toMatchObject({ code: 'invalid_header' }); }
    }));
  });
});
