import { describe, expect, it } from '@jest/globals';
import { authHeaders } from './auth-schemes.js';

describe('auth schemes', () => {
  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['none', {}, {}],
    ['bearer', { token: 't0k' }, { authorization: 'Bearer t0k' }],
    ['basic', { username: 'Aladdin', password: 'open sesame' }, { authorization: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' }],
    ['basic', { username: 'test', password: '123£' }, { authorization: 'Basic dGVzdDoxMjPCow==' }],
    ['header', { name: 'X-Api-Key', value: 'k' }, { 'x-api-key': 'k' }],
  ])('%s', (scheme, options, headers) => { expect(authHeaders(scheme, options)).toEqual(headers); });
  it.each([['bearer', {}], ['basic', { password: 'p' }], ['header', { name: 'x' }], ['digest', {}], ['constructor', {}]])('refuses %s with %j', (scheme, options) => {
    expect(() => authHeaders(scheme, options)).toThrow(/auth/);
  });
});
