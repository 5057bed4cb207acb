import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bodyParts } from './multipart-body.js';
import { sdpOf } from './sip-body.js';

const message = (contentType: string | undefined, body: string): Parameters<typeof sdpOf>[0] => ({ body, getHeader: () => contentType });
const SDP = 'v=0\r\nm=audio 4 RTP/AVP 0';
const mixed = (...lines: string[]): string => lines.join('\r\n');

describe('sdpOf', () => {
  it.each<[string, string | undefined, string, string | undefined]>([
    ['a plain body', 'application/sdp', SDP, SDP], ['with parameters and capitals', 'Application/SDP ; charset=utf-8', SDP, SDP], ['no body', 'application/sdp', '', undefined],
    ['another type', 'application/sdpx', SDP, undefined], ['no type', undefined, SDP, undefined],
    ['SDP beside ISUP', 'multipart/mixed;boundary=b1', mixed('preamble', '--b1', 'Content-Type: application/ISUP;version=itu-t92+', 'Content-Disposition: signal;handling=optional', '', '\u0001\u0000IA', '--b1', 'Content-Type: application/sdp', '', SDP, '--b1--', ''), SDP],
    ['a quoted boundary', 'multipart/related; type="application/sdp"; boundary="a b:c"', mixed('--a b:c', 'content-type:application/sdp', '', SDP, '--a b:c--'), SDP],
    ['bare line feeds and no end', 'multipart/mixed; boundary=x', '--x\nContent-Type: application/sdp\n\nv=0\nm=audio 4 RTP/AVP 0', 'v=0\nm=audio 4 RTP/AVP 0'],
    ['a boundary within the text of a line', 'multipart/mixed; boundary=x', mixed('--x', 'Content-Type: application/sdp', '', 'v=0', 's=--x', '--x--'), 'v=0\r\ns=--x'],
    ['parts without SDP', 'multipart/mixed; boundary=x', mixed('--x', '', 'text', '--x--'), undefined], ['after the end', 'multipart/mixed; boundary=x', mixed('--x--', 'Content-Type: application/sdp', '', SDP), undefined],
    ['no boundary', 'multipart/mixed', SDP, undefined],
  ])('%s', (_name, type, body, expected) => { expect(sdpOf(message(type, body))).toBe(expected); });

  it('gives back what was put in, and never throws', () => {
    const text = fc.string().filter((value) => !value.includes('--x') && value !== '');
    fc.assert(fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), fc.string(), (contents, junk) => {
      const body = contents.map((content) => `--x\r\nContent-Type: application/sdp\r\n\r\n${content}\r\n`).join('');
      expect(bodyParts('multipart/mixed;boundary=x', `${body}--x--`).map(({ content }) => content)).toEqual(contents);
      expect(Array.isArray(bodyParts(`multipart/mixed;boundary=${junk}`, junk))).toBe(true);
    }));
  });
});
