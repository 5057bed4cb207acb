import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg, LegEvents } from '@dialfleet/call';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { rmsLevel, sineWave, tonePurity } from '@dialfleet/media';
import { RtpEngine, SipEndpoint } from '@dialfleet/telephony';
import { builtInPersonaNames, type PersonaSource } from '../persona/persona-source.js';
import type { CustomerVoice, SpokenLine } from '../speech/customer-voice.js';
import type { CarrierCall } from './carrier-call.js';
import { CarrierSim, type CarrierSimOptions } from './carrier-sim.js';

/** Calls take the time they take. */
jest.setTimeout(30_000);

const BOT_HZ = 300;
const CUSTOMER_HZ = 700;
const number = '+14155550123';

/** Lines are 300 ms of one tone: real calls in little time. */
class HummingVoice implements CustomerVoice {
  readonly spoken: SpokenLine[] = [];
  closed = false;
  speak(line: SpokenLine): Promise<Int16Array> {
    this.spoken.push(line);
    return Promise.resolve(sineWave({ frequencyHz: CUSTOMER_HZ, durationMs: 300 }));
  }
  close(): Promise<void> { this.closed = true; return Promise.resolve(); }
}

/** A bot's telephone: dials the carrier over real sockets and keeps what it hears. */
class Bot {
  readonly happened: string[] = [];
  readonly frames: Int16Array[] = [];
  private readonly waiting: { event: string; resolve: (payload: never) => void }[] = [];

  private constructor(readonly leg: CallLeg) {
    const note = <K extends keyof LegEvents>(event: K, text: (payload: LegEvents[K]) => string): void => {
      leg.events.on(event, (payload) => {
        const written = text(payload);
        if (written !== '') this.happened.push(written);
        for (const waiter of this.waiting.filter((one) => one.event === event)) {
          this.waiting.splice(this.waiting.indexOf(waiter), 1);
          waiter.resolve(payload as never);
        }
      });
    };
    note('provisional', ({ sipStatus, earlyMedia }) => (sipStatus === 100 ? '' : `${sipStatus}${earlyMedia ? ' with media' : ''}`));
    note('answered', ({ sipStatus }) => `answered ${sipStatus}`);
    note('failed', ({ sipStatus, reason }) => `failed ${sipStatus} ${reason}`);
    note('hungUp', () => 'hung up');
    note('fault', ({ detail }) => `fault ${detail}`);
    note('released', ({ sipStatus }) => `released ${sipStatus}`);
    note('dtmf', ({ digit }) => `key ${digit}`);
    note('played', ({ tag }) => `played ${tag}`);
    note('audio', ({ pcm }) => { this.frames.push(pcm); return ''; });
  }

  static dial(endpoint: SipEndpoint, carrier: CarrierSim, options: { to?: string; transport?: 'udp' | 'tcp'; username?: string; password?: string } = {}): Bot {
    const { to = number, transport = 'udp', ...credentials } = options;
    const bot = new Bot(endpoint.createCall({
      trunk: { host: '127.0.0.1', port: carrier.port, transport, codecs: ['PCMU'], ...credentials }, dialUser: to, fromNumber: '+14155550100',
    }));
    void bot.leg.start();
    return bot;
  }

  next<K extends keyof LegEvents>(event: K): Promise<LegEvents[K]> {
    return new Promise((resolve) => { this.waiting.push({ event, resolve }); });
  }

  async until(done: () => boolean): Promise<void> { while (!done()) await this.next('audio'); }

  /** Speaks, and resolves when the last sample is out. */
  async speak(ms: number, tag = 'bot'): Promise<void> {
    const played = this.next('played');
    this.leg.audioOut.play(tag, sineWave({ frequencyHz: BOT_HZ, durationMs: ms }));
    this.leg.audioOut.endOf(tag);
    await played;
  }

  hears(frequencyHz: number): boolean { return this.frames.some((pcm) => isTone(pcm, frequencyHz)); }

  async hangUp(): Promise<void> {
    const released = this.next('released');
    this.leg.hangUp();
    await released;
  }
}

const isTone = (pcm: Int16Array, frequencyHz: number): boolean => rmsLevel(pcm) > 1000 && tonePurity(pcm, frequencyHz) > 0.8;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

async function startCarrier(options: CarrierSimOptions = {}): Promise<CarrierSim> {
  const carrier = await CarrierSim.start({ voice: new HummingVoice(), ...options });
  cleanUps.push(() => carrier.stop());
  return carrier;
}

async function startPhone(transport: 'udp' | 'tcp' = 'udp', cleaning = cleanUps): Promise<SipEndpoint> {
  const media = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
  const phone = await SipEndpoint.start({ transport, bindAddress: '127.0.0.1', port: 0, userAgent: 'bot', media, logger: silentLogger });
  cleaning.push(() => media.close(), () => phone.stop());
  return phone;
}

/** A carrier with one persona, and a bot that has dialled it. */
async function call(persona: PersonaSource, options: CarrierSimOptions = {}): Promise<{ carrier: CarrierSim; bot: Bot; ended: Promise<CarrierCall> }> {
  const [carrier, phone] = [await startCarrier({ ...options, personas: { default: persona } }), await startPhone(options.transport)];
  const ended = carrier.next('ended');
  return { carrier, ended, bot: Bot.dial(phone, carrier, { transport: options.transport }) };
}

/** One carrier for all built-in personas, whose tests run side by side: most of their time is waiting. */
const sharedCleanUps: (() => unknown)[] = [];
afterAll(async () => { for (const cleanUp of sharedCleanUps.splice(0).reverse()) await cleanUp(); });
let shared: Promise<{ carrier: CarrierSim; phone: SipEndpoint }> | undefined;

async function startShared(): Promise<{ carrier: CarrierSim; phone: SipEndpoint }> {
  const carrier = await CarrierSim.start({ voice: new HummingVoice() });
  sharedCleanUps.push(() => carrier.stop());
  return { carrier, phone: await startPhone('udp', sharedCleanUps) };
}

const tested = new Set<string>();

/** Dials a built-in persona by its name. */
async function dial(name: string): Promise<{ carrier: CarrierSim; bot: Bot; record: () => CarrierCall; ended: Promise<CarrierCall> }> {
  tested.add(name);
  const { carrier, phone } = await (shared ??= startShared());
  const ended = carrier.next('ended', (call) => call.persona === name);
  const record = (): CarrierCall => {
    const found = carrier.calls.find((call) => call.persona === name);
    if (!found) throw new Error(`${name} was not called yet`);
    return found;
  };
  return { carrier, ended, record, bot: Bot.dial(phone, carrier, { to: name }) };
}

describe('customers who do not answer', () => {
  it.concurrent.each([['busy', 486, []], ['unavailable', 480, []], ['rejects', 603, ['180']]] as const)('%s: %i', async (name, status, before) => {
    const { bot, ended } = await dial(name);
    expect(await ended).toMatchObject({ state: 'ended', persona: name, from: '+14155550100', to: name, sipStatus: status, endedBy: 'customer', answeredAtMs: null, said: [], media: null });
    if (!bot.happened.some((text) => text.startsWith('failed'))) await bot.next('failed');
    expect(bot.happened).toEqual([...before, expect.stringMatching(`^failed ${status} `)]);
  });

  it.concurrent('no-answer rings until the caller gives up', async () => {
    const { bot, ended } = await dial('no-answer');
    await bot.next('provisional').then(({ sipStatus }) => (sipStatus === 180 ? undefined : bot.next('provisional')));
    await bot.hangUp();
    expect(bot.happened).toEqual(['180', 'released 487']);
    expect(await ended).toMatchObject({ sipStatus: 487, endedBy: 'bot', answeredAtMs: null });
  });
});

describe('customers who answer', () => {
  it.concurrent('callback says its three lines, each after the bot, and waits for the bot to hang up', async () => {
    const { bot, record, ended } = await dial('callback');
    await bot.next('answered');
    for (let turn = 1; turn <= 3; turn++) {
      await bot.speak(400);
      await bot.until(() => record().said.length === turn && record().said[turn - 1].endedAtMs !== null);
    }
    await bot.hangUp();
    const { said, heard, media, ...end } = await ended;
    expect(end).toMatchObject({ state: 'ended', sipStatus: 200, endedBy: 'bot', endDetail: null, recordingPath: null });
    expect(said.map(({ text }) => text)).toEqual([
      'Sorry, I am busy. Can you call me another day?', 'Next Friday please.', 'My number is four one five, five five five, oh one two three.']);
    expect(heard).toHaveLength(3);
    said.forEach(({ startedAtMs, endedAtMs }, i) => {
      expect(startedAtMs - heard[i].endedAtMs).toBeGreaterThanOrEqual(699);
      expect(endedAtMs).toBeGreaterThan(startedAtMs);
    });
    expect(media?.packetsReceived).toBeGreaterThan(60);
    expect(bot.hears(CUSTOMER_HZ)).toBe(true);
    expect(bot.happened[0]).toBe('180');
  });

  it.concurrent('chatty goes on in one breath, then takes turns', async () => {
    const { bot, record, ended } = await dial('chatty');
    await bot.next('answered');
    for (const lines of [2, 3, 4]) {
      await bot.speak(300);
      await bot.until(() => record().said.length === lines && record().said[lines - 1].endedAtMs !== null);
    }
    await bot.hangUp();
    expect((await ended).said).toHaveLength(4);
  });

  it.concurrent('silent never speaks', async () => {
    const { carrier, bot, ended } = await dial('silent');
    await bot.next('answered');
    for (let turn = 0; turn < 2; turn++) {
      const heard = carrier.next('heard', ({ call: { persona } }) => persona === 'silent');
      await bot.speak(300);
      await heard;
    }
    await bot.hangUp();
    expect(await ended).toMatchObject({ said: [], endedBy: 'bot', heard: [{}, {}] });
    expect(bot.frames.every((pcm) => rmsLevel(pcm) < 50)).toBe(true);
  });

  it.concurrent('interrupts speaks over the bot', async () => {
    const { carrier, bot } = await dial('interrupts');
    await bot.next('answered');
    const said = carrier.next('said', ({ call: { persona } }) => persona === 'interrupts');
    const speaking = bot.speak(3000);
    await said;
    expect(bot.happened).not.toContain('played bot');
    await speaking;
  });

  it.concurrent('keypad presses its keys, each after a question', async () => {
    const { bot } = await dial('keypad');
    await bot.next('answered');
    await bot.speak(300);
    await bot.until(() => bot.happened.includes('key 1'));
    await bot.speak(300);
    await bot.until(() => bot.happened.includes('key #'));
    expect(bot.happened.filter((text) => text.startsWith('key')).join('').replaceAll('key ', '')).toBe('14155550123#');
  });

  it.concurrent('hangs-up-early leaves in the middle of the bot\'s sentence', async () => {
    const { bot, ended } = await dial('hangs-up-early');
    await bot.next('answered');
    void bot.speak(5000);
    await bot.next('hungUp');
    expect(bot.happened).not.toContain('played bot');
    expect(await ended).toMatchObject({ endedBy: 'customer', sipStatus: 200, said: [], heard: [{}] });
  });

  it.concurrent('hangs-up-at-once leaves before a word', async () => {
    const { bot, ended } = await dial('hangs-up-at-once');
    await bot.next('hungUp');
    expect(bot.happened).toEqual(['180', 'answered 200', 'hung up']);
    expect(await ended).toMatchObject({ endedBy: 'customer', said: [], heard: [] });
  });

  it.concurrent('voicemail greets and beeps', async () => {
    const { bot, ended } = await dial('voicemail');
    await bot.next('answered');
    await bot.until(() => bot.hears(1000));
    await bot.hangUp();
    expect(bot.frames.findIndex((pcm) => isTone(pcm, CUSTOMER_HZ))).toBeLessThan(bot.frames.findIndex((pcm) => isTone(pcm, 1000)));
    expect((await ended).said).toHaveLength(1);
  });

  it.concurrent('echo plays back what the bot says', async () => {
    const { bot } = await dial('echo');
    await bot.next('answered');
    await bot.speak(200);
    await bot.until(() => bot.hears(BOT_HZ));
    expect(bot.happened[0]).toBe('answered 200');
  });

  it('are all tried here', () => { expect([...tested].sort()).toEqual(builtInPersonaNames()); });
});

describe('CarrierSim', () => {
  const quick = { name: 'quick', answers: { after_ms: 0, rings: false } } as const;

  it('picks the customer by the dialled number, and by a persona\'s name', async () => {
    const carrier = await startCarrier({ personas: { default: quick, byNumber: { '+14155550199': 'unavailable' } } });
    const phone = await startPhone();
    const results = await Promise.all(['14155550199', 'unavailable', number].map(async (to) => {
      const bot = Bot.dial(phone, carrier, { to });
      await Promise.race([bot.next('failed'), bot.next('answered')]);
      return bot.happened.at(-1);
    }));
    expect(results).toEqual(['failed 480 Temporarily Unavailable', 'failed 480 Temporarily Unavailable', 'answered 200']);
  });

  it('gives early media when asked to: a ringback tone before the answer', async () => {
    const { bot } = await call({ name: 'early', answers: { after_ms: 600, rings: false, early_media: true } });
    await bot.next('answered');
    expect(bot.happened).toEqual(['183 with media', 'answered 200']);
    expect(Math.max(...bot.frames.map(rmsLevel))).toBeGreaterThan(1000);
    const heardBefore = bot.frames.length;
    await bot.until(() => bot.frames.length > heardBefore + 25);
    expect(bot.frames.slice(-10).every((pcm) => rmsLevel(pcm) < 50)).toBe(true);
  });

  it('keeps the keys that the bot presses', async () => {
    const { bot, ended } = await call(quick);
    await bot.next('answered');
    await bot.leg.sendDtmf('42#');
    await bot.hangUp();
    const record = await ended;
    expect(record.dtmf).toBe('42#');
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });

  it('works over TCP', async () => {
    const { bot, ended } = await call(quick, { transport: 'tcp' });
    await bot.next('answered');
    await bot.hangUp();
    expect(await ended).toMatchObject({ endedBy: 'bot', sipStatus: 200 });
  });

  it.each(['MD5', 'SHA-256'] as const)('lets nobody in without credentials (%s)', async (algorithm) => {
    const carrier = await startCarrier({ personas: { default: quick }, auth: { username: 'trunk', password: 's3cret', algorithm } });
    const verdicts: string[] = [];
    carrier.on('unauthorised', ({ verdict }) => verdicts.push(verdict));
    const phone = await startPhone();
    const outcomes: (string | undefined)[] = [];
    for (const credentials of [{}, { username: 'trunk', password: 'wrong' }, { username: 'trunk', password: 's3cret' }]) {
      const bot = Bot.dial(phone, carrier, credentials);
      await Promise.race([bot.next('failed'), bot.next('answered')]);
      outcomes.push(bot.happened.at(-1)?.slice(0, 12));
    }
    expect(outcomes).toEqual(['failed 401 U', 'failed 403 F', 'answered 200']);
    expect(verdicts).toEqual(['challenged', 'challenged', 'refused', 'challenged']);
    expect(carrier.calls).toHaveLength(1);
  });

  it('records both sides: bot left, customer right', async () => {
    const recordDir = mkdtempSync(join(tmpdir(), 'carrier-sim-'));
    cleanUps.unshift(() => rmSync(recordDir, { recursive: true }));
    const { carrier, bot, ended } = await call({ name: 'talker', answers: { after_ms: 0 }, turns: [{ says: 'hi' }, { hangs_up: true }] }, { recordDir: join(recordDir, 'new') });
    await bot.next('answered');
    await bot.speak(500);
    const { recordingPath } = await ended;
    expect(recordingPath).toMatch(/new\/\d{8}T\d{6}Z-talker-[0-9a-z]+\.wav$/i);
    const wav = readFileSync(recordingPath ?? '');
    const samples = new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length - (wav.length % 4)));
    const side = (offset: number): Int16Array[] => Array.from({ length: Math.floor(samples.length / 320) }, (_, f) => Int16Array.from({ length: 160 }, (_, i) => samples[f * 320 + 2 * i + offset]));
    const tones = [0, 1].map((channel) => [BOT_HZ, CUSTOMER_HZ].map((hz) => side(channel).some((pcm) => isTone(pcm, hz))));
    expect(tones).toEqual([[true, false], [false, true]]);
    expect(carrier.calls[0].recordingPath).toBe(recordingPath);
  });

  it('does not let a Call-ID choose where a recording goes', async () => {
    const carrier = await startCarrier({ personas: { default: { name: 'slow', answers: { after_ms: 600_000 } } }, recordDir: tmpdir() });
    const called = carrier.next('call');
    await sendInvite(carrier.port, '../../evil@x');
    const { callId, recordingPath } = await called;
    expect(callId).toBe('../../evil@x');
    expect(dirname(recordingPath ?? '')).toBe(tmpdir());
    expect(recordingPath).toMatch(/-slow-evilx\.wav$/);
  });

  it('holds many calls at once, with every line synthesised once', async () => {
    const voice = new HummingVoice();
    const carrier = await startCarrier({ voice, personas: { default: { name: 'many', answers: { after_ms: 50 }, turns: [{ says: 'one', when: 'at_once' }, { says: 'two', when: 'at_once' }, { says: 'one', when: 'at_once' }, { hangs_up: true }] } } });
    const phone = await startPhone();
    const bots = Array.from({ length: 25 }, () => Bot.dial(phone, carrier));
    await Promise.all(bots.map((bot) => bot.next('hungUp')));
    expect(voice.spoken.map(({ text }) => text)).toEqual(['one', 'two']);
    expect(bots.every((bot) => bot.hears(CUSTOMER_HZ))).toBe(true);
    expect(carrier.calls.filter(({ said }) => said.length === 3)).toHaveLength(25);
  });

  it('forgets the oldest calls that are over, never a live one', async () => {
    const carrier = await startCarrier({ keepCalls: 2, personas: { default: 'busy', byNumber: { 1: quick } } });
    const phone = await startPhone();
    const live = Bot.dial(phone, carrier, { to: '1' });
    await live.next('answered');
    for (let i = 0; i < 3; i++) await Bot.dial(phone, carrier).next('failed');
    expect(carrier.calls.map(({ state }) => state)).toEqual(['answered', 'ended']);
  });

  it('hangs up on everybody when it stops, ringing or talking', async () => {
    const voice = new HummingVoice();
    const carrier = await startCarrier({ voice, personas: { default: quick } });
    const phone = await startPhone();
    const [talking, ringing] = [Bot.dial(phone, carrier), Bot.dial(phone, carrier, { to: 'no-answer' })];
    await Promise.all([talking.next('answered'), ringing.next('provisional')]);
    const gone = Promise.all([talking.next('hungUp'), ringing.next('failed')]);
    await carrier.stop();
    await gone;
    expect(ringing.happened.at(-1)).toMatch(/^failed 480/);
    expect(carrier.calls.map(({ endedBy, endDetail }) => [endedBy, endDetail])).toEqual([['carrier', 'the carrier was stopped'], ['carrier', 'the carrier was stopped']]);
    expect(voice.closed).toBe(true);
  });

  it('says no with 500 when the customer cannot be given a voice', async () => {
    const carrier = await startCarrier({ personas: { default: quick }, voice: { speak: () => Promise.reject(new Error('no voice')), close: () => Promise.resolve() } });
    const bot = Bot.dial(await startPhone(), carrier, { to: 'callback' });
    expect(await bot.next('failed')).toMatchObject({ sipStatus: 500 });
    expect(carrier.calls[0]).toMatchObject({ endedBy: 'carrier', sipStatus: 500, endDetail: 'no voice' });
  });

  it('does not start on a port that is taken, and leaves nothing running', async () => {
    const carrier = await startCarrier({ personas: { default: quick } });
    const voice = new HummingVoice();
    await expect(CarrierSim.start({ port: carrier.port, personas: { default: quick }, voice })).rejects.toThrow(/EADDRINUSE/);
    expect(voice.closed).toBe(true);
  });

  it('does not start when its customers cannot speak, and frees the port', async () => {
    const voice = { speak: () => Promise.reject(new Error('no voice')), close: () => Promise.resolve() };
    const carrier = await startCarrier({ personas: { default: quick } });
    await carrier.stop();
    await expect(CarrierSim.start({ port: carrier.port, voice })).rejects.toThrow('no voice');
    await startCarrier({ port: carrier.port, personas: { default: quick } });
  });
});

/** An INVITE written by hand; what comes back is not read. */
function sendInvite(port: number, callId: string): Promise<void> {
  const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n';
  const socket = createSocket('udp4');
  cleanUps.push(() => new Promise<void>((resolve) => { socket.close(resolve); }));
  return new Promise((resolve, reject) => {
    socket.bind(0, '127.0.0.1', () => {
      const here = `127.0.0.1:${socket.address().port}`;
      const invite = [`INVITE sip:${number}@127.0.0.1:${port} SIP/2.0`, `Via: SIP/2.0/UDP ${here};branch=z9hG4bK1;rport`, 'Max-Forwards: 70', `From: <sip:x@${here}>;tag=1`,
        `To: <sip:${number}@127.0.0.1>`, `Call-ID: ${callId}`, 'CSeq: 1 INVITE', `Contact: <sip:x@${here}>`, 'Content-Type: application/sdp', `Content-Length: ${sdp.length}`, '', sdp].join('\r\n');
      socket.send(invite, port, '127.0.0.1', (error) => { if (error) reject(error); else resolve(); });
    });
  });
}
