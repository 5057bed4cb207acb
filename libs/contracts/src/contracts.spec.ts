import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { botDefaults } from '@dialfleet/bot';
import fc from 'fast-check';
import { ApiKeyRequest } from './access.dto.js';
import { joinSecrets, SECRET_MASK, splitSecrets } from './bot-secrets.js';
import { botSettings, type BotConfig } from './bot-settings.js';
import { BotPatch, BotRequest } from './bot.dto.js';
import { CallListQuery } from './calls.dto.js';
import { DialoutRequest } from './dialout.dto.js';
import { EndpointRequest } from './endpoint.dto.js';
import { TrunkRequest } from './trunk.dto.js';
import { validateAs } from './validation.js';

const pathsOf = <T extends object>(type: new () => T, input: unknown): string[] => {
  const verdict = validateAs(type, input);
  return verdict.ok ? [] : verdict.errors.map((error) => error.path);
};
const dialout = { bot_id: 'bot_1', to_number: '+14155550123' };
const trunk = { name: 'Carrier', host: 'sip.example.com', port: 5060, transport: 'udp', default_from_number: '+14155550100' };

describe('a dialout', () => {
  it('takes what the contract allows', () => {
    expect(pathsOf(DialoutRequest, dialout)).toEqual([]);
    expect(pathsOf(DialoutRequest, { ...dialout, from_number: '+1 415 555-0100', variables: { a: 1, b: { c: [null] } } })).toEqual([]);
    expect(pathsOf(DialoutRequest, { ...dialout, connected_event: {} })).toEqual([]);
    expect(validateAs(DialoutRequest, { ...dialout, from_number: null, variables: null })).toEqual(validateAs(DialoutRequest, dialout));
  });

  it.each<[string, unknown, string[]]>([
    ['no body', undefined, ['']], ['an array', [], ['']], ['a text', 'x', ['']], ['null', null, ['']],
    ['nothing in it', {}, ['bot_id', 'to_number']],
    ['a number for a text', { ...dialout, bot_id: 7 }, ['bot_id']],
    ['an unknown field', { ...dialout, priority: 1 }, ['priority']],
    ['CR LF', { ...dialout, to_number: '+1415\r\nX: y' }, ['to_number']],
    ['NUL', { ...dialout, to_number: '+1415\0' }, ['to_number']],
    ['an endless number', { ...dialout, to_number: '1'.repeat(65) }, ['to_number']],
    ['variables as list', { ...dialout, variables: [] }, ['variables']],
    ['variables as text', { ...dialout, variables: 'a=b' }, ['variables']],
    ['65 variables', { ...dialout, variables: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`v${i}`, i])) }, ['variables']],
    ['too much text', { ...dialout, variables: { a: 'é'.repeat(8192) } }, ['variables']],
    ['a half surrogate', { ...dialout, variables: { a: 'x\ud800' } }, ['variables.a']],
    ['NUL in a field name', { ...dialout, variables: { 'a\0': 1 } }, ['variables']],
  ])('refuses %s', (_name, input, paths) => { expect([...new Set(pathsOf(DialoutRequest, input))]).toEqual(paths); });

  it('takes 64 variables and their exact JSON', () => {
    const variables = { ...Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`v${i}`, i])), deep: { er: [1, { x: null }] } };
    const verdict = validateAs(DialoutRequest, { ...dialout, variables });
    expect(verdict.ok && verdict.value.variables).toEqual(variables);
  });

  it('is not impressed by deep nesting or prototype keys', () => {
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) as unknown;
    expect(pathsOf(DialoutRequest, { ...dialout, variables: { deep } })).toHaveLength(1);
    const poisoned = JSON.parse('{"bot_id":"b","to_number":"1","variables":{"__proto__":{"admin":true},"constructor":"x"}}') as unknown;
    expect(pathsOf(DialoutRequest, poisoned)).toEqual([]);
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
    expect(pathsOf(DialoutRequest, JSON.parse('{"bot_id":"b","to_number":"1","constructor":1,"__proto__":{"x":1},"toString":2}'))).toEqual(['constructor', '__proto__', 'toString']);
  });

  it('never throws, whatever comes', () => {
    fc.assert(fc.property(fc.jsonValue(), (input) => { expect(typeof validateAs(DialoutRequest, input).ok).toBe('boolean'); }));
  });
});

describe('a trunk', () => {
  it('takes names, addresses, dial formats and every setting', () => {
    const hosts = ['127.0.0.1', '255.255.255.255', 'sip.example.com', 'sip1.example.com.', '3cx.example', 'pbx', 'pbx1', '::1', '[2001:db8::1]'];
    for (const host of hosts) expect(pathsOf(TrunkRequest, { ...trunk, host })).toEqual([]);
    for (const dial_format of ['{e164}', '00{digits}', '9{national}']) expect(pathsOf(TrunkRequest, { ...trunk, dial_format })).toEqual([]);
    for (const transport of ['udp', 'tcp', 'tls', 'ws', 'wss']) expect(pathsOf(TrunkRequest, { ...trunk, port: null, transport })).toEqual([]);
    for (const outbound_proxy of ['sbc.example', 'sbc.example:5061', '10.0.0.1:5060', '[::1]:5060', '[::1]']) expect(pathsOf(TrunkRequest, { ...trunk, outbound_proxy })).toEqual([]);
    expect(pathsOf(TrunkRequest, { ...trunk, allowed_prefixes: ['+1', '49'], inbound_sources: ['10.0.0.0/8', '::1/128'], default_country: 'US', codecs: ['opus', 'G722', 'PCMA'] })).toEqual([]);
    expect(pathsOf(TrunkRequest, {
      ...trunk, register: true, register_expires_seconds: 600, srtp: 'required', inbound_auth: true, identity_header: 'p_asserted_identity', privacy: true,
      tls: { server_name: 'sip.example', ca: 'x', certificate: 'y', key: 'z' }, ws_path: '/sip?x=1', tcp_for_large_requests: false, redirect_hosts: ['a.example', '10.0.0.1'],
      allow_refer: true, session_expires_seconds: 0, reliable_provisional: 'required', keep_alive_seconds: 0,
    })).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a host with a line break', { host: 'a\r\nb' }, 'host'], ['a host with a port', { host: 'a:5060' }, 'host'], ['a URL', { host: 'sip:a@b' }, 'host'],
    ['an address that is none', { host: '999.1.1.1' }, 'host'], ['half an address', { host: '10.1' }, 'host'], ['half brackets', { host: '[::1' }, 'host'],
    ['a link-local zone', { host: 'fe80::1%eth0' }, 'host'], ['a name in brackets', { host: '[pbx]' }, 'host'],
    ['port 0', { port: 0 }, 'port'], ['a transport that is none', { transport: 'sctp' }, 'transport'], ['SRTP by a number', { srtp: 1 }, 'srtp'],
    ['a codec we do not speak', { codecs: ['iLBC'] }, 'codecs'], ['two placeholders', { dial_format: '{e164}{digits}' }, 'dial_format'],
    ['a country that is none', { default_country: 'XX' }, 'default_country'], ['a user with a line break', { username: 'a\nb' }, 'username'],
    ['a range that is none', { inbound_sources: ['10.0.0.0/8', '999.0.0.0/8'] }, 'inbound_sources'], ['too narrow a range', { inbound_sources: ['10.0.0.0/33'] }, 'inbound_sources'],
    ['a prefix with an injection', { allowed_prefixes: ['+1;'] }, 'allowed_prefixes'],
    ['a proxy as a URI', { outbound_proxy: 'sip:sbc.example;lr' }, 'outbound_proxy'], ['a proxy with a header', { outbound_proxy: 'sbc.example\r\nX: y' }, 'outbound_proxy'],
    ['a proxy with port 65536', { outbound_proxy: 'sbc.example:65536' }, 'outbound_proxy'], ['a bare IPv6 proxy', { outbound_proxy: '::1' }, 'outbound_proxy'],
    ['another identity header', { identity_header: 'x_identity' }, 'identity_header'], ['an unknown TLS setting', { tls: { insecure: true } }, 'tls.insecure'],
    ['a server name with a space', { tls: { server_name: 'a b' } }, 'tls.server_name'], ['TLS as text', { tls: 'on' }, 'tls'],
    ['a path with a line break', { ws_path: '/x HTTP/1.1\r\nX: y' }, 'ws_path'], ['a relative path', { ws_path: 'sip' }, 'ws_path'],
    ['a redirect host that is none', { redirect_hosts: ['a.example', 'b;c'] }, 'redirect_hosts'], ['a session of a minute', { session_expires_seconds: 60 }, 'session_expires_seconds'],
    ['keep-alives each second', { keep_alive_seconds: 1 }, 'keep_alive_seconds'], ['a registration of a second', { register_expires_seconds: 1 }, 'register_expires_seconds'],
  ])('refuses %s', (_name, change, path) => { expect(pathsOf(TrunkRequest, { ...trunk, ...change })).toContain(path); });

  it('never throws, whatever host or proxy comes', () => {
    fc.assert(fc.property(fc.string(), (text) => { expect(typeof validateAs(TrunkRequest, { ...trunk, host: text, outbound_proxy: text }).ok).toBe('boolean'); }));
  });
});

describe('a bot', () => {
  const full: BotConfig = {
    name: 'Reminder', system_prompt: 's', opening_message: 'Hi {{crm.name}}', language: 'de-DE', llm: { provider: 'openai', options: { model: 'm' } },
    stt: { provider: 'local' }, tts: { provider: 'flite', options: { voice: 'slt' } }, script: { steps: [{ name: 'bye', say: 'Bye', next: 'end' }] }, trunk_id: 'trunk_1',
    active_hours: { enabled: true, timezone: 'Europe/Berlin', days: ['mon'], start_time: '09:00', end_time: '17:30' }, max_call_duration_seconds: 30, ring_timeout_seconds: 20,
    interruption: { min_words: 1 }, silence: { enabled: false }, voicemail: { action: 'leave_message', message: 'Call back' }, dtmf: { enabled: true },
    prefetch: { url: 'https://crm.example/{{crm.id}}?x={{call.session_id}}', headers: { Authorization: 'Bearer t' }, response_path: 'data.customer' },
    analysis: { prompt: 'p', schema: { type: 'object' } }, recording: false, retention_days: 30,
  };

  it('takes every setting of the contract and fills in the rest', () => {
    expect(pathsOf(BotRequest, full)).toEqual([]);
    expect(botSettings(full)).toMatchObject({
      openingMessage: 'Hi {{crm.name}}', timezone: 'Europe/Berlin', script: { steps: [{ name: 'bye', say: 'Bye', next: 'end' }] }, llm: { provider: 'openai', options: { model: 'm' } }, maxCallDurationSeconds: 30, ringTimeoutSeconds: 20,
      activeHours: { enabled: true, startTime: '09:00', endTime: '17:30' }, interruption: { minWords: 1, minSpeechMs: 300, openingMessage: true },
      silence: { enabled: false, promptAfterMs: 7000 }, voicemail: { action: 'leave_message', message: 'Call back' }, dtmf: { enabled: true },
      prefetch: { method: 'POST', timeoutMs: 3000, responsePath: 'data.customer' }, analysis: { prompt: 'p' }, recording: false, retentionDays: 30,
    });
    expect(botSettings({ name: 'x' })).toMatchObject({
      llm: { provider: 'script' }, stt: { provider: 'local' }, tts: { provider: 'flite' }, script: null, activeHours: null, prefetch: null, recording: true,
      maxCallDurationSeconds: botDefaults.maxCallDurationSeconds, language: 'en-US', timezone: 'UTC', silence: { prompts: ['Are you still there?'] },
    });
  });

  it.each<[string, object, string]>([
    ['no name', { name: undefined }, 'name'], ['a zone that is none', { active_hours: { ...full.active_hours, timezone: 'Mars/Olympus' } }, 'active_hours.timezone'],
    ['a day that is none', { active_hours: { ...full.active_hours, days: ['monday'] } }, 'active_hours.days'],
    ['24:00', { active_hours: { ...full.active_hours, end_time: '24:00' } }, 'active_hours.end_time'],
    ['an unknown nested field', { silence: { prompt: 'x' } }, 'silence.prompt'], ['hours as a list', { active_hours: [] }, 'active_hours'],
    ['a slow pre-fetch', { prefetch: { url: 'https://a.example', timeout_ms: 10_001 } }, 'prefetch.timeout_ms'],
    ['a pre-fetch to a templated host', { prefetch: { url: 'https://{{crm.host}}/x' } }, 'prefetch.url'],
    ['another scheme', { prefetch: { url: 'file:///etc/passwd' } }, 'prefetch.url'],
    ['a header with a line break', { prefetch: { url: 'https://a.example', headers: { 'X-A': 'b\r\nX-C: d' } } }, 'prefetch.headers'],
    ['a fraction of a second', { max_call_duration_seconds: 1.5 }, 'max_call_duration_seconds'], ['tools', { tools: [{}] }, 'tools'],
  ])('refuses %s', (_name, change, path) => { expect(pathsOf(BotRequest, { ...full, ...change })).toContain(path); });

  it('patches with any part of it, null included', () => {
    expect(pathsOf(BotPatch, { name: 'New' })).toEqual([]);
    expect(pathsOf(BotPatch, { silence: null })).toEqual([]);
    expect(pathsOf(BotPatch, { colour: 1 })).toEqual(['colour']);
  });

  it('keeps secrets apart, and takes a mask for the secret it stands for', () => {
    const config = { name: 'x', llm: { provider: 'openai', options: { api_key: 'sk-1', model: 'm' } }, prefetch: { url: 'u', headers: { 'X/Key': 'k' } } };
    const split = splitSecrets(config);
    expect(JSON.stringify(split.config)).not.toMatch(/sk-1|"k"/);
    expect(split.secrets).toEqual({ 'llm/options/api_key': 'sk-1', 'prefetch/headers/X~1Key': 'k' });
    expect(joinSecrets(split.config, split.secrets)).toEqual(config);
    expect(splitSecrets(split.config, split.secrets)).toEqual(split);
    expect(splitSecrets({ llm: { options: { api_key: 'sk-2' } } }, split.secrets).secrets).toEqual({ 'llm/options/api_key': 'sk-2' });
    expect(split.config).toMatchObject({ llm: { options: { api_key: SECRET_MASK, model: 'm' } } });
  });
});

describe('an endpoint', () => {
  const endpoint = { kind: 'crm_push', url: 'https://crm.example/x', mapper: { a: '{{result.session_id}}' } };
  it('takes each auth scheme with what it needs', () => {
    for (const auth of [{ scheme: 'none' }, { scheme: 'bearer', token: 't' }, { scheme: 'basic', username: 'u', password: 'p' }, { scheme: 'header', name: 'X-Key', value: 'v' }]) {
      expect(pathsOf(EndpointRequest, { ...endpoint, auth })).toEqual([]);
    }
    expect(pathsOf(EndpointRequest, { ...endpoint, auth: { scheme: 'bearer' } })).toContain('auth.token');
    expect(pathsOf(EndpointRequest, { ...endpoint, auth: { scheme: 'basic', username: 'u' } })).toContain('auth.password');
    expect(pathsOf(EndpointRequest, { ...endpoint, auth: { scheme: 'oauth' } })).toContain('auth.scheme');
  });
  it.each<[string, object, string]>([
    ['credentials in the URL', { url: 'https://u:p@crm.example' }, 'url'], ['no URL', { url: 'crm' }, 'url'], ['an unknown kind', { kind: 'ftp' }, 'kind'],
    ['a header of ours', { headers: { 'Webhook-Signature': 'x' } }, 'headers'], ['a mapper that is a list', { mapper: [] }, 'mapper'],
  ])('refuses %s', (_name, change, path) => { expect(pathsOf(EndpointRequest, { ...endpoint, ...change })).toContain(path); });
});

describe('others', () => {
  it('API keys and lists', () => {
    expect(pathsOf(ApiKeyRequest, { name: 'n', scopes: ['calls:read'], expires_at: '2030-01-01T00:00:00Z' })).toEqual([]);
    expect(pathsOf(ApiKeyRequest, { name: 'n', scopes: ['root'], expires_at: 'soon' })).toEqual(['scopes', 'expires_at']);
    expect(pathsOf(CallListQuery, { limit: '10', status: 'ended', from: '2026-01-01T00:00:00Z' })).toEqual([]);
    expect(pathsOf(CallListQuery, { limit: '0', status: 'over', from: 'x', cursor: 'a b' }).sort()).toEqual(['cursor', 'from', 'limit', 'status']);
  });
});
