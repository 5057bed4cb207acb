import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StreamFramer, StreamFramingError } from './stream-framer.js';
import { MAX_MESSAGE_BYTES } from '../message/wire.js';

function frame(chunks: Iterable<Buffer>): { messages: string[]; keepAlives: number } {
  const out = { messages: [] as string[], keepAlives: 0 };
  const framer = new StreamFramer({ onMessage: (text) => out.messages.push(text), onKeepAlive: () => { out.keepAlives++; } });
  for (const chunk of chunks) framer.push(chunk);
  return out;
}

const message = (body: string, lengthName = 'Content-Length'): string => `INFO sip:x SIP/2.0\r\nVia: y\r\n${lengthName}: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe('StreamFramer', () => {
  it('cuts by Content-Length in bytes, compact form too, and takes absent for none', () => {
    const texts = [message('Signal=5 ✓ ü'), message('', 'l'), 'ACK sip:x SIP/2.0\r\nVia: y\r\n\r\n', message('INVITE looks like a start line\r\n\r\n')];
    expect(frame([Buffer.from(texts.join(''))]).messages).toEqual(texts);
  });

  it('answers double CRLF and skips single ones', () => {
    expect(frame([Buffer.from(`\r\n\r\n${message('a')}\r\n${message('b')}\r\n\r\n`)])).toEqual({ messages: [message('a'), message('b')], keepAlives: 2 });
  });

  it('tells of a single CRLF, the answer to a ping of ours (RFC 5626 §3.5.1)', () => {
    let pongs = 0;
    const framer = new StreamFramer({ onMessage: () => undefined, onKeepAlive: () => undefined, onPong: () => { pongs++; } });
    for (const text of ['\r\n', `${message('a')}\r\n`, '\r\n\r\n']) framer.push(Buffer.from(text));
    expect(pongs).toBe(2);
  });

  it('gives the same messages however the bytes are chunked', () => {
    const stream = fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom('Content-Length', 'l', 'content-length'), fc.constantFrom('', '\r\n')), { minLength: 1, maxLength: 6 });
    fc.assert(fc.property(stream, fc.array(fc.nat(400), { maxLength: 40 }), (parts, cuts) => {
      const texts = parts.map(([body, name]) => message(body, name));
      const bytes = Buffer.from(parts.map(([, , gap], i) => gap + texts[i]).join(''));
      const at = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
      const chunks = [...at, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : at[i - 1], end));
      expect(frame(chunks).messages).toEqual(texts);
    }), { numRuns: 500 });
  });

  it('gives the same messages byte by byte', () => {
    const texts = [message('one'), message('two ü')];
    expect(frame([...Buffer.from(texts.join(''))].map((byte) => Buffer.from([byte]))).messages).toEqual(texts);
  });

  it.each([
    ['endless headers', `INVITE sip:x SIP/2.0\r\nX: ${'a'.repeat(MAX_MESSAGE_BYTES)}`],
    ['a huge body', 'INVITE sip:x SIP/2.0\r\nContent-Length: 999999\r\n\r\n'],
    ['a negative length', 'INVITE sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n'],
  ])('gives up on %s', (_name, text) => {
    expect(() => frame([Buffer.from(text)])).toThrow(StreamFramingError);
  });
});
