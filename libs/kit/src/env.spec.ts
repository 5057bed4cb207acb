import { describe, expect, it } from '@jest/globals';
import { SettingError, envHttpUrl, envInteger, envLogLevel, envPortRange, portProblem } from './env.js';
import { parseServiceLine, serviceLine } from './service-line.js';

describe('settings', () => {
  it('name the variable, what it holds and what it may hold', () => {
    expect(() => envInteger({ N: '1.5' }, 'N', 1, { min: 0, max: 9 })).toThrow('N must be a whole number from 0 to 9, not "1.5"');
    expect(() => envLogLevel({ L: 'loud' }, 'L')).toThrow('L must be debug, info, warn, error or silent, not "loud"');
    for (const R of ['1', '2000-1000', '80-90', '60000-70000', '5000-5001']) expect(() => envPortRange({ R }, 'R', { min: 1, max: 2 })).toThrow(SettingError);
  });

  it('may be left out', () => {
    expect(envInteger({ N: ' ' }, 'N', 7, { min: 0, max: 9 })).toBe(7);
    expect(envLogLevel({}, 'L')).toBe('info');
    expect(envPortRange({ R: '30000-30003' }, 'R', { min: 1, max: 2 })).toEqual({ min: 30000, max: 30003 });
  });

  it('say why a port cannot be had, and leave other errors alone', () => {
    const taken = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' });
    expect(portProblem(taken, 'PORT', 'port 80')).toEqual(new SettingError('PORT: port 80 is taken by another program'));
    const other = new Error('other');
    expect(portProblem(other, 'PORT', 'port 80')).toBe(other);
  });
});

describe('the line of a service', () => {
  it('is read back, and nothing else is', () => {
    for (const line of [{ ready: true, url: 'http://x' }, { ready: false, reason: 'no "disk"\nleft' }] as const) expect(parseServiceLine(serviceLine(line).trimEnd())).toEqual(line);
    for (const text of ['', 'null', '{}', 'ready', '{"ready":1}']) expect(parseServiceLine(text)).toBeUndefined();
  });
});

describe('a URL in the environment', () => {
  it('loses its trailing slashes, or gives way to the fallback', () => {
    expect(envHttpUrl({ URL: 'https://calls.example/x//' }, 'URL', null)).toBe('https://calls.example/x');
    expect(envHttpUrl({ URL: ' ' }, 'URL', null)).toBeNull();
  });
  it.each(['calls.example', 'ftp://calls.example', 'http://'])('is refused by name when it is %j', (value) => {
    expect(() => envHttpUrl({ URL: value }, 'URL', null)).toThrow(new SettingError(`URL must be an http(s) URL, not ${JSON.stringify(value)}`));
  });
});
