import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault, silentLogger, systemClock } from '@dialfleet/kit';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { connectNats } from './connection.js';
import { JetStreamContext } from './jetstream-context.js';
import { JetStreamRethrowFilter } from './jetstream-rethrow-filter.js';
import { JetStreamStrategy, subjectMatches, type DeadMessage, type JetStreamStrategyOptions } from './jetstream-strategy.js';
import { ensureCallsStream } from './jetstream-streams.js';
import { CALLS_STREAM, subjects } from './subjects.js';
import { TemporaryNats } from './temporary-nats.js';

interface Note { n: number }
const seen: string[] = [];
let onNote: (subject: string, note: Note) => void | Promise<void> = () => undefined;

@Controller()
class NoteController {
  @EventPattern('call.event.*')
  async event(@Payload() note: Note, @Ctx() context: unknown): Promise<void> {
    const { subject } = context as JetStreamContext;
    await onNote(subject, note);
    seen.push(`${subject} ${note.n}`);
  }

  @EventPattern('call.ended.*')
  async ended(@Payload() note: Note, @Ctx() context: unknown): Promise<void> {
    const { subject } = context as JetStreamContext;
    await onNote(subject, note);
    seen.push(`${subject} ${note.n}`);
  }
}

@Module({ controllers: [NoteController] })
class NoteModule {}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => { setTimeout(resolve, 10); });
};

describe('JetStream strategy', () => {
  let nats: TemporaryNats;
  let nc: NatsConnection;
  let app: INestMicroservice | undefined;
  const buried: DeadMessage[] = [];

  beforeAll(async () => {
    nats = await TemporaryNats.start();
    nc = await connectNats({ url: nats.url, name: 'test', logger: silentLogger });
  });
  afterAll(async () => { await nc?.close(); await nats?.close(); });
  beforeEach(() => { seen.length = 0; buried.length = 0; onNote = () => undefined; });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await (await jetstreamManager(nc)).streams.delete(CALLS_STREAM).catch(() => undefined);
  });

  const start = async (options: Partial<JetStreamStrategyOptions> = {}): Promise<void> => {
    const strategy = new JetStreamStrategy({
      nc, stream: CALLS_STREAM, durable: 'push', clock: systemClock, logger: silentLogger, ackWaitMs: 1500,
      bury: async (message) => { buried.push(message); }, prepare: async () => { await ensureCallsStream(await jetstreamManager(nc)); }, ...options,
    });
    app = await NestFactory.createMicroservice(NoteModule, { strategy, logger: false });
    app.useGlobalFilters(new JetStreamRethrowFilter());
    await app.listen();
  };
  const publish = (subject: string, payload: unknown): Promise<unknown> => jetstream(nc).publish(subject, typeof payload === 'string' ? payload : JSON.stringify(payload));
  const pending = async (): Promise<number> => {
    const info = await (await jetstreamManager(nc)).consumers.info(CALLS_STREAM, 'push');
    return info.num_ack_pending + info.num_pending;
  };
  const settled = async (): Promise<void> => { while (await pending() > 0) await new Promise((resolve) => { setTimeout(resolve, 20); }); };

  it('hands messages to @EventPattern methods and acknowledges them after they resolved', async () => {
    let release = (): void => undefined;
    let begun = false;
    onNote = () => { begun = true; return new Promise((resolve) => { release = resolve; }); };
    await start();
    await publish(subjects.callEvent('s1'), { n: 1 });
    await until(() => begun);
    expect(await pending()).toBe(1);
    release();
    await settled();
    expect(seen).toEqual(['call.event.s1 1']);
  });

  it('keeps the order of each session across subjects and failures, while others go on', async () => {
    let failures = 2;
    onNote = (subject, note) => { if (subject === 'call.event.a' && note.n === 2 && failures-- > 0) throw new Error('not now'); };
    await start();
    for (const n of [1, 2, 3]) { await publish(subjects.callEvent('a'), { n }); await publish(subjects.callEvent('b'), { n }); }
    await publish(subjects.callEnded('a'), { n: 4 });
    await settled();
    expect(seen.filter((line) => line.includes('.a '))).toEqual(['call.event.a 1', 'call.event.a 2', 'call.event.a 3', 'call.ended.a 4']);
    expect(seen.filter((line) => line.includes('.b '))).toEqual(['call.event.b 1', 'call.event.b 2', 'call.event.b 3']);
    expect(seen.indexOf('call.event.b 3')).toBeLessThan(seen.indexOf('call.event.a 2'));
    expect(buried).toEqual([]);
  });

  it('buries what cannot be read, and what fails too often, and goes on', async () => {
    onNote = (_subject, note) => { if (note.n === 1) throw new TypeError('poison'); };
    await start({ maxAttempts: 2 });
    await publish(subjects.callEvent('a'), '{not json');
    await publish(subjects.callEvent('a'), { n: 1 });
    await publish(subjects.callEvent('a'), { n: 2 });
    await settled();
    expect(seen).toEqual(['call.event.a 2']);
    expect(buried).toEqual([
      expect.objectContaining({ subject: 'call.event.a', payload: '{not json', attempts: 1, stream: CALLS_STREAM, streamSequence: 1 }),
      expect.objectContaining({ subject: 'call.event.a', payload: '{"n":1}', attempts: 2, error: 'poison' }),
    ]);
  });

  it('never buries for a fault of the surroundings', async () => {
    let away = 4;
    onNote = () => { if (away-- > 0) throw new Fault('database away', true); };
    await start({ maxAttempts: 1 });
    await publish(subjects.callEvent('a'), { n: 1 });
    await settled();
    expect(seen).toEqual(['call.event.a 1']);
    expect(buried).toEqual([]);
  }, 15_000);

  it('tries again when the record of a poison message cannot be kept', async () => {
    let failures = 1;
    onNote = () => { throw new Error('poison'); };
    await start({ maxAttempts: 1, bury: async (message) => { if (failures-- > 0) throw new Error('database away'); buried.push(message); } });
    await publish(subjects.callEvent('a'), { n: 1 });
    await settled();
    expect(buried).toHaveLength(1);
  });

  it('keeps a long handler\'s message from being delivered again', async () => {
    let calls = 0;
    onNote = async () => { calls++; await new Promise((resolve) => { setTimeout(resolve, 4000); }); };
    await start();
    await publish(subjects.callEvent('a'), { n: 1 });
    await until(() => seen.length === 1);
    await settled();
    expect(calls).toBe(1);
  }, 15_000);

  it('finishes what has begun when it closes, and leaves the rest for the next', async () => {
    let release = (): void => undefined;
    let begun = false;
    onNote = () => { begun = true; return new Promise((resolve) => { release = resolve; }); };
    await start();
    for (const n of [1, 2, 3]) await publish(subjects.callEvent('a'), { n });
    await until(() => begun);
    const closed = app?.close();
    app = undefined;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    release();
    await closed;
    expect(seen).toEqual(['call.event.a 1']);
    onNote = () => undefined;
    await start();
    await settled();
    // Handed back, they may come in another order.
    expect([...seen].sort()).toEqual(['call.event.a 1', 'call.event.a 2', 'call.event.a 3']);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('goes on after the broker was restarted by %s', async (signal) => {
    await start();
    await publish(subjects.callEvent('a'), { n: 1 });
    await settled();
    await nats.halt(signal);
    await nats.boot();
    await until(() => !nc.isClosed());
    for (let published = false; !published;) published = await publish(subjects.callEvent('a'), { n: 2 }).then(() => true, () => false);
    await until(() => seen.includes('call.event.a 2'));
    expect(seen.filter((line) => line === 'call.event.a 2')).toHaveLength(1);
  }, 60_000);

  it('comes back when stream and consumer were lost', async () => {
    await start();
    await (await jetstreamManager(nc)).streams.delete(CALLS_STREAM);
    for (let published = false; !published;) published = await publish(subjects.callEvent('a'), { n: 1 }).then(() => true, () => false);
    await until(() => seen.length === 1);
  }, 60_000);

  it('creates the stream as described, and again without harm', async () => {
    const jsm = await jetstreamManager(nc);
    await ensureCallsStream(jsm);
    await ensureCallsStream(jsm);
    const { config } = await jsm.streams.info(CALLS_STREAM);
    expect(config).toMatchObject({ subjects: ['call.event.*', 'call.ended.*'], storage: 'file', retention: 'limits', duplicate_window: 120e9 });
    await jetstream(nc).publish(subjects.callEnded('a'), '{}', { msgID: 'a:ended' });
    expect(await jetstream(nc).publish(subjects.callEnded('a'), '{}', { msgID: 'a:ended' })).toMatchObject({ duplicate: true });
  });
});

describe('subject patterns', () => {
  it.each([['call.event.*', 'call.event.s1', true], ['call.event.*', 'call.event', false], ['call.event.*', 'call.event.a.b', false], ['call.>', 'call.event.a', true],
    ['call.>', 'call', false], ['call.ended.*', 'call.event.a', false], ['a', 'a', true]])('%s and %s: %s', (pattern, subject, expected) => {
    expect(subjectMatches(pattern, subject)).toBe(expected);
  });
});
