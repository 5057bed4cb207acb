import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg } from '@dialfleet/call';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { Admission } from '../intake/admission.js';
import { SipEndpoint } from '../sip-endpoint.js';
import { FakeMedia } from '../testing/fake-media.js';

const CALLS = 200;
const REFUSED = 20;
const LOSS = 0.2;
const STEP_MS = 20;
/** All transactions end within 64·T1, and the BYE's own wait within T4 after it (RFC 3261 §17). */
const EVERYTHING_ENDS_MS = 32_000 + 5_000 + 2_000;

const reached = (leg: CallLeg): Promise<string> => new Promise((resolve) => {
  leg.events.on('answered', () => resolve('answered'));
  leg.events.on('failed', ({ sipStatus }) => resolve(`failed ${sipStatus}`));
  leg.events.on('fault', ({ detail }) => resolve(`fault ${detail}`));
});
const ended = (leg: CallLeg): Promise<string> => new Promise((resolve) => {
  leg.events.on('released', ({ sipStatus }) => resolve(`our BYE ${sipStatus}`));
  leg.events.on('hungUp', ({ sipReason }) => resolve(sipReason === 'CANCEL' ? 'CANCEL' : 'their BYE'));
  leg.events.on('failed', ({ sipStatus }) => resolve(`failed ${sipStatus}`));
  leg.events.on('fault', ({ detail }) => resolve(`fault ${detail}`));
});

let clock: VirtualClock;
// Sockets are real, time is not: neither a slow machine nor a fast one changes what is repeated when.
beforeEach(() => {
  clock = new VirtualClock();
  jest.useFakeTimers({ doNotFake: ['Date', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'hrtime'] });
});
afterEach(() => { jest.useRealTimers(); });

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    clock.advance(STEP_MS);
    jest.advanceTimersByTime(STEP_MS);
    // Loopback delivers at once: a few turns of the event loop bring a message there and its answer back.
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => { setImmediate(resolve); });
  }
}

/** Lets time pass until the promise is settled. */
async function waitFor<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let value: { is: T } | undefined;
  void promise.then((is) => { value = { is }; });
  for (let passed = 0; passed < limitMs && !value; passed += STEP_MS) await pass(STEP_MS);
  return value?.is;
}

describe('signalling with a fifth of all datagrams lost each way', () => {
  it(`sets up ${CALLS} of ${CALLS} calls, ends all of them with a BYE that arrives, hears of ${REFUSED} of ${REFUSED} refusals, and leaves nothing behind`, async () => {
    const options = { transport: 'udp', bindAddress: '127.0.0.1', port: 0, userAgent: 'test', logger: silentLogger, clock } as const;
    const callee = await SipEndpoint.start({ ...options, media: new FakeMedia(), admission: Admission.open(clock) });
    const caller = await SipEndpoint.start({ ...options, media: new FakeMedia(), loss: { inRatio: LOSS, outRatio: LOSS, seed: 7 } });
    const calleeEnds: Promise<string>[] = [];
    callee.onInvite(async (call) => {
      call.ring();
      if (call.toUser.startsWith('busy')) { call.reject(486); return; }
      calleeEnds.push(ended(call.leg));
      await call.answer();
      // Every other call is hung up by the callee, as soon as it may: after the ACK.
      if (Number(call.toUser.slice('user'.length)) % 2 === 1) call.leg.hangUp();
    });
    const place = async (dialUser: string, number: number): Promise<{ outcome: string; end: string }> => {
      const reliableProvisional = number % 4 === 0 ? 'required' : 'supported';
      const leg = caller.createCall({ trunk: { host: '127.0.0.1', port: callee.port, transport: 'udp', codecs: [], reliableProvisional }, dialUser, fromNumber: 'bot' });
      const [outcome, end] = [reached(leg), ended(leg)];
      await leg.start();
      const result = await outcome;
      if (number % 2 === 0 || result !== 'answered') leg.hangUp();
      return { outcome: result, end: await end };
    };
    const calls: Promise<{ outcome: string; end: string }>[] = [];
    for (let i = 0; i < CALLS; i++) {
      calls.push(place(`user${i}`, i));
      await pass(STEP_MS);
    }
    const refusals = await waitFor(Promise.all(Array.from({ length: REFUSED }, (_, i) => place(`busy${i}`, i))), EVERYTHING_ENDS_MS) ?? [];
    const done = await waitFor(Promise.all(calls), 2 * EVERYTHING_ENDS_MS) ?? [];
    const calleesDone = await waitFor(Promise.all(calleeEnds), EVERYTHING_ENDS_MS) ?? [];
    const { requestsRepeated } = caller.stats();
    await pass(EVERYTHING_ENDS_MS);
    const left = [caller, callee].map((endpoint) => {
      const { legs, dialogs, clientTransactions, serverTransactions, retransmitting, messagesFailed } = endpoint.stats();
      return { legs, dialogs, clientTransactions, serverTransactions, retransmitting, messagesFailed };
    });
    await Promise.all([caller.stop(), callee.stop()]);
    const nothing = { legs: 0, dialogs: 0, clientTransactions: 0, serverTransactions: 0, retransmitting: 0, messagesFailed: 0 };
    expect(done.filter(({ outcome }) => outcome === 'answered')).toHaveLength(CALLS);
    expect(done.filter(({ end }) => end === 'our BYE 200' || end === 'their BYE')).toHaveLength(CALLS);
    expect(calleesDone.filter((end) => end === 'our BYE 200' || end === 'their BYE')).toHaveLength(CALLS);
    expect(refusals.filter(({ outcome }) => outcome === 'failed 486')).toHaveLength(REFUSED);
    expect(requestsRepeated).toBeGreaterThan(100);
    expect(left).toEqual([nothing, nothing]);
  }, 60_000);
});
