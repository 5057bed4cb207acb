import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { IncomingMessage } from 'sip.js/lib/core/messages/incoming-message.js';
import { OutgoingRequestMessage } from 'sip.js/lib/core/messages/outgoing-request-message.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import { applySipJsPatches } from './sip-js-patches.js';

type Methods = Record<string, (...args: never[]) => unknown>;
const methodsOf = (prototype: object): Methods => Object.fromEntries(
  Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([name, { value }]) => (typeof value === 'function' ? [[name, value as never]] : [])));

const original = { incoming: methodsOf(IncomingMessage.prototype), outgoing: methodsOf(OutgoingRequestMessage.prototype), uri: methodsOf(URI.prototype) };
const call = (method: (...args: never[]) => unknown, self: object, ...args: unknown[]): unknown => method.call(self, ...args as never[]);

const names = fc.constantFrom('via', 'Call-ID', 'call-id', 'CSEQ', 'x_odd-Name', 'www-authenticate', 'Min-SE', '__proto__', 'constructor', 'X-A', 'authorization', 'contact', 'rack');
const text = fc.string({ unit: fc.constantFrom('a', 'Z', '9', ' ', ':', ';', '=', '-', 'é', '€', '%', ','), maxLength: 12 });

beforeAll(applySipJsPatches);

describe('what is made faster in sip.js', () => {
  it('keeps and finds headers of incoming messages as the original does', () => {
    const step = fc.tuple(fc.constantFrom('addHeader', 'setHeader', 'getHeader', 'getHeaders', 'hasHeader', 'parseHeader'), names, fc.oneof(text, fc.constantFrom('1 INVITE', 'application/sdp', '<sip:a@b>;tag=1')));
    fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const [before, after] = [new IncomingMessage(), new IncomingMessage()];
      const patched = methodsOf(IncomingMessage.prototype);
      for (const [method, name, value] of steps) {
        const args = method === 'addHeader' || method === 'setHeader' ? [name, value] : [name];
        expect(call(patched[method], after, ...args)).toEqual(call(original.incoming[method], before, ...args));
      }
      expect(after.headers).toEqual(before.headers);
    }));
  });

  it('finds headers of outgoing requests as the original does, those given as lines too', () => {
    const uri = new URI('sip', 'a', 'h.example');
    fc.assert(fc.property(fc.array(fc.tuple(names, text), { maxLength: 4 }), fc.array(fc.tuple(names, fc.constantFrom('', ' '), text), { maxLength: 4 }), names, (set, lines, asked) => {
      const message = new OutgoingRequestMessage('INVITE', uri, uri, uri, {}, lines.map(([name, space, value]) => `${space}${name}${space}: ${value}`));
      const copy = Object.assign(Object.create(OutgoingRequestMessage.prototype) as OutgoingRequestMessage, message, { headers: { ...message.headers } });
      const patched = methodsOf(OutgoingRequestMessage.prototype);
      for (const [name, value] of set) { call(patched.setHeader, message, name, value); call(original.outgoing.setHeader, copy, name, value); }
      for (const method of ['getHeader', 'getHeaders', 'hasHeader']) expect(call(patched[method], message, asked)).toEqual(call(original.outgoing[method], copy, asked));
      expect(message.headers).toEqual(copy.headers);
    }));
  });

  it('writes requests as the original does', () => {
    const body = fc.option(fc.record({ content: text, contentType: fc.constantFrom('application/sdp', ''), contentDisposition: fc.constant('session') }), { nil: undefined });
    fc.assert(fc.property(fc.array(fc.tuple(names, text), { maxLength: 4 }), fc.array(text, { maxLength: 3 }), body, fc.array(fc.constantFrom('timer', '100rel'), { maxLength: 2 }), (extra, route, content, optionTags) => {
      const uri = new URI('sip', 'a', 'h.example', 5070, { transport: 'tcp' });
      const message = new OutgoingRequestMessage('INVITE', uri, uri, uri, { optionTags, routeSet: route, toTag: 'x' }, extra.map(([name, value]) => `${name}: ${value} `), content);
      expect(message.toString()).toBe(call(original.outgoing.toString, message));
    }));
  });

  it('copies and writes URIs as the original does', () => {
    const parts = fc.tuple(fc.constantFrom('sip', 'SIP', 'sips', 'tel'), text, fc.constantFrom('h.example', '192.0.2.1', '[::1]', 'H.Example'), fc.option(fc.constantFrom(0, 5060), { nil: undefined }),
      fc.dictionary(fc.constantFrom('transport', 'LR', 'x'), fc.option(text), { noNullPrototype: true }), fc.dictionary(fc.constantFrom('subject', 'X-A'), fc.array(text, { maxLength: 2 }), { maxKeys: 1, noNullPrototype: true }));
    fc.assert(fc.property(parts, ([scheme, user, host, port, parameters, headers]) => {
      const uri = new URI(scheme, user, host, port, parameters as Record<string, string>, headers);
      const copy = uri.clone();
      expect(copy).toEqual(call(original.uri.clone, uri));
      expect(copy.parameters).not.toBe(uri.parameters);
      if (user.includes('%')) return;
      for (const part of [(uri as unknown as { raw: unknown }).raw, (uri as unknown as { normal: unknown }).normal]) {
        expect(call(methodsOf(URI.prototype)._toString, uri, part)).toBe(call(original.uri._toString, uri, part));
      }
    }));
  });
});
