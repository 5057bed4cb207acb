import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@dialfleet/kit';
import { InvalidProviderError } from './provider-choice.js';
import { createProviders, missingLanguage, validateProviderChoice, type ProviderKind } from './providers.js';

describe('provider choice', () => {
  it.each<[ProviderKind, string, Record<string, unknown>]>([
    ['llm', 'script', {}], ['stt', 'local', {}], ['stt', 'local', { model: 'tiny' }], ['tts', 'flite', { voice: 'rms', speed: 1.2 }], ['vad', 'silero', {}],
  ])('accepts %s %s %j', (kind, provider, options) => expect(validateProviderChoice(kind, { provider, options })).toEqual([]));

  it.each<[ProviderKind, unknown, string[]]>([
    ['stt', { provider: 'nobody', options: {} }, ['provider: must be one of local']],
    ['tts', { provider: 'constructor', options: {} }, ['provider: must be one of flite']],
    ['tts', { provider: 7 }, ['provider: must be one of flite']],
    ['stt', { provider: 'local', options: [] }, ['options: must be an object']],
    ['stt', { provider: 'local', options: { model: 'huge' } }, ['options.model: must be one of the following values: tiny, base']],
    ['tts', { provider: 'flite', options: { voise: 'slt' } }, ['options.voise: is not an option']],
    ['tts', { provider: 'flite', options: { voice: null, speed: 9 } }, ['options.voice: must be one of the following values: slt, rms, awb, kal16, kal', 'options.speed: must not be greater than 2']],
  ])('says what is wrong: %s %j', (kind, choice, problems) => expect(validateProviderChoice(kind, choice as never)).toEqual(problems));

  it('tells a language that a vendor does not have', () => {
    const flite = { provider: 'flite', options: {} };
    for (const language of ['en', 'en-US', 'EN-gb']) expect(missingLanguage('tts', flite, language)).toBeUndefined();
    for (const language of ['de-DE', 'eng', 'e']) expect(missingLanguage('tts', flite, language)).toEqual(['en']);
    expect(missingLanguage('vad', { provider: 'silero', options: {} }, 'de')).toBeUndefined();
    expect(missingLanguage('llm', { provider: 'nobody', options: {} }, 'de')).toBeUndefined();
  });

  it('creates what is valid, refuses the rest by code, and starts no thread for either', async () => {
    const startWorker = (): never => { throw new Error('started'); };
    const providers = createProviders({ logger: silentLogger, speech: { startWorker } });
    expect(providers.tts({ provider: 'flite', options: {} }).caps.voices).toContain('slt');
    expect(providers.stt({ provider: 'local', options: {} }).caps.hints).toBe(true);
    expect(providers.vad().windowMs).toBe(32);
    expect(() => providers.stt({ provider: 'local', options: { model: 'huge' } })).toThrow(InvalidProviderError);
    expect(() => providers.tts({ provider: 'x', options: {} })).toThrow(expect.objectContaining({ code: 'invalid_provider', retryable: false, problems: ['provider: must be one of flite'] }));
    await providers.close();
  });
});
