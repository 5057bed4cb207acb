import { describe, expect, it } from '@jest/globals';

import { MediaNegotiator } from './media-negotiator.js';
import { chooseAudio } from './audio-formats.js';
import { parseSdp, SdpError } from './sdp.js';
import type { CodecName, SrtpPolicy } from '@dialfleet/call';
import { FakeMediaSession } from '../testing/fake-media.js';

const sdp = (...lines: string[]): string => ['v=0', 'o=- 1 1 IN IP4 10.0.0.9', 's=-', ...lines, ''].join('\r\n');
const plain = sdp('c=IN IP4 10.0.0.9', 't=0 0', 'm=audio 4000 RTP/AVP 8 0 97', 'a=rtpmap:97 telephone-event/8000');

const CRYPTO = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20';

function negotiator(codecs: CodecName[] = ['PCMU', 'PCMA'], srtp: SrtpPolicy = 'off'): { media: FakeMediaSession; negotiator: MediaNegotiator } {
  const media = new FakeMediaSession({ address: '192.0.2.1', port: 30_000 });
  return { media, negotiator: new MediaNegotiator(media, codecs, srtp) };
}

describe('MediaNegotiator', () => {
  it('offers our codecs and telephone-event', () => {
    const offer = negotiator(['PCMA', 'PCMU']).negotiator.createOffer();
    expect(offer).toContain('c=IN IP4 192.0.2.1\r\n');
    expect(offer).toContain('m=audio 30000 RTP/AVP 8 0 13 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n');
  });

  it('takes the far end\'s first codec from its answer, with its payload types', () => {
    const { media, negotiator: n } = negotiator();
    n.createOffer();
    n.applyAnswer(plain);
    expect(media.remote).toMatchObject({
      address: '10.0.0.9', port: 4000, codec: { name: 'PCMA', payloadType: 8, clockRateHz: 8000 }, telephoneEvent: { payloadType: 97, clockRateHz: 8000 }, direction: 'sendrecv',
    });
    expect([n.established, n.receiving]).toEqual([true, true]);
  });

  it('answers an offer with one codec and the offer\'s payload types', () => {
    const { media, negotiator: n } = negotiator(['PCMU']);
    expect(n.answerOffer(plain)).toContain('m=audio 30000 RTP/AVP 0 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 telephone-event/8000');
    expect(media.remote?.codec.name).toBe('PCMU');
  });

  it('knows a static codec by a dynamic payload type', () => {
    const { media, negotiator: n } = negotiator();
    expect(n.answerOffer(sdp('c=IN IP4 10.0.0.9', 'm=audio 4000 RTP/AVP 18 118', 'a=rtpmap:118 pcmu/8000/1'))).toContain('m=audio 30000 RTP/AVP 118\r\na=rtpmap:118 PCMU/8000');
    expect(media.remote).toMatchObject({ codec: { name: 'PCMU', payloadType: 118 } });
    expect(media.remote?.telephoneEvent).toBeUndefined();
  });

  it('rejects the other media of an offer, in order (RFC 3264 §6)', () => {
    const answer = negotiator().negotiator.answerOffer(sdp('c=IN IP4 10.0.0.9', 'm=video 5000 RTP/AVP 96', 'm=audio 4000 RTP/AVP 0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel'));
    expect(answer.match(/m=\S+ \d+/g)).toEqual(['m=video 0', 'm=audio 30000', 'm=application 0']);
  });

  it.each([
    ['sendonly', '10.0.0.9', 'recvonly', false], ['recvonly', '10.0.0.9', 'sendonly', false], ['inactive', '10.0.0.9', 'inactive', false],
    ['sendrecv', '0.0.0.0', 'recvonly', false], ['sendonly', '0.0.0.0', 'recvonly', false], ['recvonly', '0.0.0.0', 'inactive', false],
  ])('hold: a=%s c=%s → we are %s', (direction, address, ours) => {
    const { media, negotiator: n } = negotiator();
    n.answerOffer(plain);
    expect(n.answerOffer(sdp(`c=IN IP4 ${address}`, 'm=audio 4000 RTP/AVP 0', `a=${direction}`))).toContain(`a=${ours}\r\n`);
    expect(media.remote?.direction).toBe(ours);
    expect(n.answerOffer(plain)).toContain('a=sendrecv');
    expect(media.remote?.direction).toBe('sendrecv');
  });

  it('follows a session-level direction and a media-level address', () => {
    const { media, negotiator: n } = negotiator();
    n.answerOffer(sdp('c=IN IP4 1.1.1.1', 'a=sendonly', 'm=audio 4000 RTP/AVP 0', 'c=IN IP4 10.9.9.9/127'));
    expect(media.remote).toMatchObject({ address: '10.9.9.9', direction: 'recvonly' });
  });

  it('raises the version of each description', () => {
    const { negotiator: n } = negotiator();
    const versions = [n.createOffer(), n.answerOffer(plain), n.answerOffer(plain)].map((text) => Number(/o=- \d+ (\d+)/.exec(text)?.[1]));
    expect(versions).toEqual([1, 2, 3]);
  });

  it.each([
    ['no audio', sdp('c=IN IP4 1.1.1.1', 'm=video 4 RTP/AVP 96')], ['a stream by DTLS', sdp('c=IN IP4 1.1.1.1', 'm=audio 4 UDP/TLS/RTP/SAVPF 0')],
    ['foreign codecs', sdp('c=IN IP4 1.1.1.1', 'm=audio 4 RTP/AVP 18 9 96', 'a=rtpmap:96 opus/48000/2')], ['no address', sdp('m=audio 4 RTP/AVP 0')],
    ['a host name for an address', sdp('c=IN IP4 evil.example', 'm=audio 4 RTP/AVP 0')], ['no SDP at all', 'hello'], ['a port out of range', sdp('c=IN IP4 1.1.1.1', 'm=audio 70000 RTP/AVP 0')],
    ['a codec name at another clock rate', sdp('c=IN IP4 1.1.1.1', 'm=audio 4 RTP/AVP 0', 'a=rtpmap:0 PCMU/16000')],
  ])('refuses %s and leaves the media as it was', (_name, text) => {
    const { media, negotiator: n } = negotiator();
    n.answerOffer(plain);
    expect(() => n.answerOffer(text)).toThrow(SdpError);
    expect(() => n.applyAnswer(text)).toThrow(SdpError);
    expect(media.remotes).toHaveLength(1);
  });
});

describe('parseSdp', () => {
  it('reads what we write', () => {
    const offer = negotiator().negotiator.createOffer();
    const [media] = parseSdp(offer);
    expect(chooseAudio(media, ['PCMA'])).toEqual({ codec: { name: 'PCMA', payloadType: 8, clockRateHz: 8000 }, telephoneEvent: { payloadType: 101, clockRateHz: 8000 }, comfortNoise: 13 });
    expect([media.address, media.port, media.direction]).toEqual(['192.0.2.1', 30_000, 'sendrecv']);
  });
});

describe('SRTP and RTCP in descriptions', () => {
  const offer = (protocol: string, ...attributes: string[]): string => sdp('c=IN IP4 10.0.0.9', `m=audio 4000 ${protocol} 0`, ...attributes);

  it('two negotiators agree on keys that fit, by every pair of policies that can', () => {
    const policies: SrtpPolicy[] = ['off', 'optional', 'required'];
    for (const a of policies) for (const b of policies) {
      const [caller, callee] = [negotiator(['PCMU'], a), negotiator(['PCMU'], b)];
      const offered = caller.negotiator.createOffer();
      if ((a === 'off' && b === 'required') || (a === 'required' && b === 'off')) {
        expect(() => callee.negotiator.answerOffer(offered)).toThrow(SdpError);
        continue;
      }
      const answer = callee.negotiator.answerOffer(offered);
      caller.negotiator.applyAnswer(answer);
      const [ours, theirs] = [caller.media.remote?.srtp, callee.media.remote?.srtp];
      expect([a, b, ours?.suite]).toEqual([a, b, a === 'off' || b === 'off' ? undefined : 'AES_CM_128_HMAC_SHA1_80']);
      expect([ours?.sendKey, ours?.receiveKey]).toEqual([theirs?.receiveKey, theirs?.sendKey]);
      expect(answer).toContain(a === 'required' ? 'RTP/SAVP 0' : 'RTP/AVP 0');
    }
  });

  it('a refused offer changes nothing', () => {
    const { media, negotiator: n } = negotiator(['PCMU'], 'required');
    n.answerOffer(offer('RTP/SAVP', CRYPTO));
    const before = media.remote;
    expect(() => n.answerOffer(offer('RTP/AVP'))).toThrow('requires SRTP');
    expect(media.remote).toBe(before);
  });

  it('of a protected and a plain line answers the one that suits the policy', () => {
    const both = sdp('c=IN IP4 10.0.0.9', 'm=audio 4000 RTP/AVP 0', 'm=audio 4002 RTP/SAVP 0', CRYPTO);
    for (const [policy, ports] of [['off', [30_000, 0]], ['optional', [0, 30_000]], ['required', [0, 30_000]]] as const) {
      const answer = negotiator(['PCMU'], policy).negotiator.answerOffer(both);
      expect([...answer.matchAll(/m=audio (\d+)/g)].map(([, port]) => Number(port))).toEqual(ports);
    }
  });

  it('answers in the profile of the offer, feedback or not, and refuses DTLS', () => {
    const { negotiator: n } = negotiator(['PCMU'], 'optional');
    expect(n.answerOffer(offer('RTP/AVPF'))).toContain('RTP/AVPF 0');
    expect(n.answerOffer(offer('RTP/SAVPF', CRYPTO))).toMatch(/RTP\/SAVPF 0[\s\S]*a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:/);
    expect(() => n.answerOffer(offer('UDP/TLS/RTP/SAVPF', 'a=fingerprint:sha-256 00'))).toThrow('no RTP audio stream');
  });

  it('shares a port for RTCP where the offer does, and knows where reports go', () => {
    const { media, negotiator: n } = negotiator();
    expect(n.answerOffer(offer('RTP/AVP', 'a=rtcp-mux'))).toContain('a=rtcp-mux\r\n');
    expect(media.remote?.rtcp).toEqual({ mux: true });
    expect(n.answerOffer(offer('RTP/AVP', 'a=rtcp:53020 IN IP4 10.0.0.10'))).not.toContain('rtcp-mux');
    expect(media.remote?.rtcp).toEqual({ mux: false, port: 53_020, address: '10.0.0.10' });
    n.answerOffer(offer('RTP/AVP', 'a=rtcp:53020'));
    expect(media.remote?.rtcp).toEqual({ mux: false, port: 53_020 });
    n.answerOffer(offer('RTP/AVP', 'a=rtcp:99999', 'a=rtcp:x'));
    expect(media.remote?.rtcp).toBeUndefined();
  });
});
