import { describe, expect, it } from '@jest/globals';
import type { CodecName } from '@dialfleet/call';
import fc from 'fast-check';
import { chooseAudio, understood } from './audio-formats.js';
import { MediaNegotiator } from './media-negotiator.js';
import { parseSdp, SdpError } from './sdp.js';
import { FakeMediaSession } from '../testing/fake-media.js';

const ALL: CodecName[] = ['opus', 'G722', 'PCMU', 'PCMA'];
const sdp = (...lines: string[]): string => ['v=0', 'o=- 1 1 IN IP4 10.0.0.9', 's=-', 'c=IN IP4 10.0.0.9', 't=0 0', ...lines, ''].join('\r\n');
const audio = (types: string, ...attributes: string[]): string => sdp(`m=audio 4000 RTP/AVP ${types}`, ...attributes);

function negotiator(codecs: CodecName[] = ALL): { media: FakeMediaSession; negotiator: MediaNegotiator } {
  const media = new FakeMediaSession({ address: '192.0.2.1', port: 30_000 });
  return { media, negotiator: new MediaNegotiator(media, codecs) };
}

const opus111 = ['a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1'];

describe('offers of several codecs', () => {
  it('list them in the trunk\'s order, with telephone-event at each of their clock rates', () => {
    expect(negotiator().negotiator.createOffer()).toContain([
      'm=audio 30000 RTP/AVP 96 9 0 8 13 101 102', 'a=rtpmap:96 opus/48000/2', 'a=fmtp:96 maxplaybackrate=8000;sprop-maxcapturerate=8000;stereo=0;useinbandfec=1',
      'a=rtpmap:9 G722/8000', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:13 CN/8000', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15',
      'a=rtpmap:102 telephone-event/48000', 'a=fmtp:102 0-15', 'a=ptime:20',
    ].join('\r\n'));
  });

  it('offer comfort noise only where a codec has none of its own', () => {
    expect(negotiator(['opus']).negotiator.createOffer()).toContain('m=audio 30000 RTP/AVP 96 101 102\r\n');
  });

  it('the answer\'s payload types are for what we send, ours for what we receive', () => {
    const { media, negotiator: n } = negotiator();
    n.createOffer();
    n.applyAnswer(audio('111 110', ...opus111, 'a=rtpmap:110 telephone-event/48000'));
    expect(media.remote).toMatchObject({
      codec: { name: 'opus', payloadType: 111, clockRateHz: 48_000, parameters: { useinbandfec: '1' } }, telephoneEvent: { payloadType: 110, clockRateHz: 48_000 },
    });
    const { audio: heard, telephoneEvents } = media.remote!.receive!;
    expect(heard.map(({ name, payloadType }) => [name, payloadType])).toEqual([['opus', 96], ['G722', 9], ['PCMU', 0], ['PCMA', 8], ['opus', 111]]);
    expect(telephoneEvents).toEqual([{ payloadType: 101, clockRateHz: 8000 }, { payloadType: 102, clockRateHz: 48_000 }, { payloadType: 110, clockRateHz: 48_000 }]);
  });

  it('a number of ours keeps our meaning, whatever the answer says', () => {
    const { media, negotiator: n } = negotiator(['opus', 'PCMU']);
    n.createOffer();
    n.applyAnswer(audio('0 96', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:96 telephone-event/8000'));
    expect(media.remote?.telephoneEvent).toEqual({ payloadType: 96, clockRateHz: 8000 });
    expect(media.remote!.receive!.telephoneEvents).not.toContainEqual({ payloadType: 96, clockRateHz: 8000 });
  });
});

describe('answers to offers of several codecs', () => {
  it('take the far end\'s preference and its payload types', () => {
    const { media, negotiator: n } = negotiator(['PCMU', 'opus']);
    expect(n.answerOffer(audio('111 0 8 101 110', ...opus111, 'a=rtpmap:110 telephone-event/48000', 'a=rtpmap:101 telephone-event/8000'))).toContain(
      'm=audio 30000 RTP/AVP 111 110\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 ');
    expect(media.remote?.receive?.audio.map(({ name }) => name)).toEqual(['opus', 'PCMU', 'PCMA']);
  });

  it('take telephone-event at 8 kHz where there is no other', () => {
    const { media, negotiator: n } = negotiator();
    expect(n.answerOffer(audio('111 126', ...opus111, 'a=rtpmap:126 telephone-event/8000'))).toContain('m=audio 30000 RTP/AVP 111 126\r\n');
    expect(media.remote?.telephoneEvent).toEqual({ payloadType: 126, clockRateHz: 8000 });
  });

  it('comfort noise is agreed on with a codec of its clock', () => {
    expect(negotiator().negotiator.answerOffer(audio('0 13'))).toContain('m=audio 30000 RTP/AVP 0 13\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:13 CN/8000\r\n');
    expect(negotiator().negotiator.answerOffer(audio('111 13', ...opus111))).toContain('m=audio 30000 RTP/AVP 111\r\n');
    expect(negotiator().negotiator.answerOffer(audio('0 98', 'a=rtpmap:98 CN/8000'))).toContain('m=audio 30000 RTP/AVP 0 98\r\n');
  });

  it.each<[string, string, CodecName | undefined]>([
    ['a static type without rtpmap', audio('9'), 'G722'], ['upper case', audio('97', 'a=rtpmap:97 OPUS/48000/2'), 'opus'], ['no channels', audio('97', 'a=rtpmap:97 opus/48000'), 'opus'],
    ['lower case and spaces', audio(' 97 ', 'a=rtpmap: 97  g722/8000/1 '), 'G722'], ['G.722 by its sampling rate', audio('9', 'a=rtpmap:9 G722/16000'), 'G722'],
    ['G.711 by a dynamic type', audio('100', 'a=rtpmap:100 PCMA/8000'), 'PCMA'], ['an rtpmap without a rate, of a static type', audio('8', 'a=rtpmap:8 PCMA'), 'PCMA'],
    ['attributes in capitals', audio('99', 'a=RTPMAP:99 opus/48000/2'), 'opus'], ['a static type that means something else', audio('0', 'a=rtpmap:0 iLBC/8000'), undefined],
    ['Opus at another clock', audio('97', 'a=rtpmap:97 opus/16000'), undefined], ['a dynamic type without rtpmap', audio('97'), undefined],
    ['a type out of range', audio('200', 'a=rtpmap:200 PCMU/8000'), undefined], ['a name of JavaScript', audio('97', 'a=rtpmap:97 constructor/8000'), undefined],
  ])('know the codec by %s', (_name, text, codec) => {
    expect(chooseAudio(parseSdp(text)[0], ALL)?.codec.name).toBe(codec);
  });

  it('of several audio lines answer one that we speak, and reject the others in their places', () => {
    const answer = negotiator(['PCMU']).negotiator.answerOffer(sdp('m=audio 4000 RTP/AVP 18', 'm=audio 4002 RTP/AVP 0', 'm=audio 4004 RTP/AVP 0', 'm=video 4006 RTP/AVP 99'));
    expect(answer.match(/m=\S+ \d+/g)).toEqual(['m=audio 0', 'm=audio 30000', 'm=audio 0', 'm=video 0']);
  });
});

describe('packets as long as the far end wants', () => {
  it.each([
    ['nothing said', [], undefined], ['ptime', ['a=ptime:40'], 40], ['a fraction', ['a=ptime:30.0'], 30], ['too long', ['a=ptime:200'], 60], ['too short', ['a=ptime:5'], 10],
    ['maxptime', ['a=maxptime:10'], 10], ['ptime above maxptime', ['a=ptime:60', 'a=maxptime:30'], 30], ['nonsense', ['a=ptime:twenty'], undefined], ['zero', ['a=ptime:0'], undefined],
  ])('%s', (_name, attributes, ptimeMs) => {
    const { media, negotiator: n } = negotiator();
    n.answerOffer(audio('0', ...attributes));
    expect(media.remote?.ptimeMs).toBe(ptimeMs);
  });

  it('Opus has its own least', () => {
    const { media, negotiator: n } = negotiator();
    n.answerOffer(audio('97', 'a=rtpmap:97 opus/48000/2', 'a=fmtp:97 minptime=40'));
    expect(media.remote?.ptimeMs).toBe(40);
  });
});

describe('changes within a call', () => {
  it('another codec by re-INVITE, and back', () => {
    const { media, negotiator: n } = negotiator();
    for (const [types, attributes, name] of [['0', [], 'PCMU'], ['111', opus111, 'opus'], ['9', [], 'G722']] as const) {
      n.answerOffer(audio(types, ...attributes));
      expect(media.remote?.codec.name).toBe(name);
    }
  });

  it('our next offer begins with the codec in use, by the numbers known to both', () => {
    const { negotiator: n } = negotiator(['PCMU', 'opus', 'PCMA']);
    n.answerOffer(audio('111 101', ...opus111, 'a=rtpmap:101 telephone-event/48000'));
    expect(n.createOffer()).toMatch(/m=audio 30000 RTP\/AVP 111 0 8 13 102 101\r\n/);
  });

  it('a stream switched off by port 0 is a hold: it may come back', () => {
    const { media, negotiator: n } = negotiator();
    n.answerOffer(audio('0'));
    expect(n.answerOffer(sdp('m=audio 0 RTP/AVP 0'))).toMatch(/m=audio 0 RTP\/AVP 0\r\n$/);
    expect(media.remote).toMatchObject({ port: 0, direction: 'inactive' });
    n.answerOffer(audio('0'));
    expect(media.remote).toMatchObject({ port: 4000, direction: 'sendrecv' });
  });

  it('but at first it is a refusal', () => {
    expect(() => negotiator().negotiator.answerOffer(sdp('m=audio 0 RTP/AVP 0'))).toThrow(SdpError);
  });
});

describe('descriptions as carriers write them', () => {
  it.each<[string, string, string]>([
    ['bare line feeds', 'v=0\no=- 1 1 IN IP4 10.0.0.9\nc=IN IP4 10.0.0.9\nm=audio 4000 RTP/AVP 0\n', '10.0.0.9'],
    ['no s=, no t=, no o=', 'v=0\r\nc=IN IP4 10.0.0.9\r\nm=audio 4000 RTP/AVP 0', '10.0.0.9'],
    ['trailing spaces', 'v=0 \r\nc=IN IP4 10.0.0.9 \r\nm=audio 4000 RTP/AVP 0 \r\na=sendrecv \r\n', '10.0.0.9'],
    ['c= in the media only, with b=, and a huge version', `v=0\r\no=x 1 ${'9'.repeat(40)} IN IP4 1.1.1.1\r\nm=audio 4000 RTP/AVP 0\r\nb=AS:64\r\nc=IN IP4 10.0.0.8\r\n`, '10.0.0.8'],
    ['IPv6', 'v=0\r\nc=IN IP6 2001:db8::9\r\nm=audio 4000 RTP/AVP 0\r\n', '2001:db8::9'],
    ['a name as the address of a stream we do not take', sdp('m=audio 4000 RTP/AVP 0', 'm=video 5000 RTP/AVP 96', 'c=IN IP4 video.example'), '10.0.0.9'],
    ['groups, candidates and fingerprints', sdp('a=group:BUNDLE 0', 'a=ice-ufrag:x', 'm=audio 4000/2 RTP/AVP 0', 'a=mid:0', 'a=candidate:1 1 UDP 1 10.0.0.7 4000 typ host', 'a=fingerprint:sha-1 00', 'a=setup:actpass', 'a=bundle-only'), '10.0.0.9'],
  ])('%s', (_name, text, address) => {
    const { media, negotiator: n } = negotiator();
    const answer = n.answerOffer(text);
    expect(media.remote).toMatchObject({ address, port: 4000, codec: { name: 'PCMU' } });
    expect(answer).not.toMatch(/a=(group|ice|candidate|fingerprint|setup|mid)/);
  });
});

describe('any description', () => {
  const token = fc.stringMatching(/^[\x21-\x7e]{1,12}$/);
  const lines = fc.oneof(
    fc.string(), fc.tuple(fc.constantFrom('v', 'c', 'm', 'a', 'o', 'b'), fc.string()).map(([k, v]) => `${k}=${v}`),
    fc.constantFrom('v=0', 'c=IN IP4 1.1.1.1', 'c=IN IP6 ::', 'c=IN IP4 name.example', 'a=inactive', 'a=sendonly', 'a=ptime:0', 'a=maxptime:1', 'a=rtcp:1', 'a=rtcp-mux', 'a=fmtp:96 =;=;a=b=c;useinbandfec=1'),
    fc.tuple(fc.constantFrom('audio', 'video', 'AUDIO', 'image'), fc.integer({ min: 0, max: 70_000 }), fc.constantFrom('RTP/AVP', 'RTP/SAVP', 'udptl', 'UDP/TLS/RTP/SAVPF'), fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }).map(String), token), { maxLength: 8 }))
      .map(([kind, port, protocol, types]) => `m=${kind} ${port} ${protocol} ${types.join(' ')}`),
    fc.tuple(fc.integer({ min: 0, max: 140 }), fc.constantFrom('PCMU/8000', 'pcma/8000/1', 'G722/8000', 'opus/48000/2', 'telephone-event/8000', 'telephone-event/48000', 'CN/8000', 'CN/16000', 'x')).map(([type, map]) => `a=rtpmap:${type} ${map}`),
  );
  const descriptions = fc.array(lines, { maxLength: 25 }).map((all) => ['v=0', ...all].join('\r\n'));
  const offers = fc.tuple(descriptions, fc.subarray(ALL, { minLength: 1 }), fc.boolean());
  const kindsOf = (text: string): string[] => parseSdp(text).map(({ kind }) => kind);

  it('is answered or refused with an SdpError, never anything else', () => {
    fc.assert(fc.property(offers, ([offer, codecs, inCall]) => {
      const { negotiator: n } = negotiator(codecs);
      if (inCall) n.answerOffer(audio('0 8 9 111', ...opus111));
      for (const apply of [() => { n.createOffer(); n.applyAnswer(offer); }, () => { n.answerOffer(offer); }]) {
        try { apply(); } catch (error) { expect(error).toBeInstanceOf(SdpError); }
      }
    }), { numRuns: 600 });
  });

  it('an answer has the offer\'s media lines in order, at most one of them alive, and only formats of the offer', () => {
    fc.assert(fc.property(offers, ([description, codecs]) => {
      const offer = `${description}\r\nc=IN IP4 10.0.0.9\r\nm=audio 4000 RTP/AVP 0 8 9 111\r\n${opus111.join('\r\n')}\r\nc=IN IP4 10.0.0.9\r\n`;
      let answer: string;
      try { answer = negotiator(codecs).negotiator.answerOffer(offer); } catch (error) { expect(error).toBeInstanceOf(SdpError); return; }
      expect(kindsOf(answer)).toEqual(kindsOf(offer));
      const alive = parseSdp(answer).flatMap((line, index) => (line.port === 0 ? [] : [index]));
      expect(alive.length).toBeLessThanOrEqual(1);
      for (const index of alive) {
        const [offered, answered] = [understood(parseSdp(offer)[index]), understood(parseSdp(answer)[index])];
        const identities = ({ audio: heard, telephoneEvents, comfortNoise }: typeof offered): string[] =>
          [...heard.map(({ name, payloadType }) => `${name} ${payloadType}`), ...telephoneEvents.map((event) => JSON.stringify(event)), ...comfortNoise.map(String)];
        expect(answered.audio).toHaveLength(1);
        expect(identities(offered)).toEqual(expect.arrayContaining(identities(answered)));
        expect(codecs).toContain(answered.audio[0].name);
      }
    }), { numRuns: 600 });
  });

  it('two negotiators always end with the same codec, and each hears what the other sends', () => {
    fc.assert(fc.property(fc.shuffledSubarray(ALL, { minLength: 1 }), fc.shuffledSubarray(ALL, { minLength: 1 }), (first, second) => {
      const [caller, callee] = [negotiator(first), negotiator(second)];
      const offer = caller.negotiator.createOffer();
      const common = first.find((name) => second.includes(name));
      if (!common) {
        expect(() => callee.negotiator.answerOffer(offer)).toThrow(SdpError);
        return;
      }
      caller.negotiator.applyAnswer(callee.negotiator.answerOffer(offer));
      for (const [one, other] of [[caller, callee], [callee, caller]]) {
        expect(one.media.remote?.codec.name).toBe(common);
        expect(other.media.remote?.receive?.audio).toContainEqual(expect.objectContaining({ name: common, payloadType: one.media.remote?.codec.payloadType }));
        expect(other.media.remote?.receive?.telephoneEvents).toContainEqual(one.media.remote?.telephoneEvent);
      }
    }));
  });
});
