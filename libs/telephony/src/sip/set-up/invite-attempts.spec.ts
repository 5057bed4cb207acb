import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InviteAttempts, MAX_REDIRECTIONS, type AttemptEnd, type Invitee, type NextStep } from './invite-attempts.js';
import type { SipTarget } from '../locate/sip-target.js';

const invitee = (uri: string, host = uri): Invitee<string> => ({ uri, destination: { host, transport: 'udp' } });
const target = (address: string): SipTarget => ({ transport: 'udp', address, port: 5060, hostname: 'trunk.example' });
const refused = (sipStatus: number, reason = 'No'): AttemptEnd<string> => ({ kind: 'refused', sipStatus, reason });
const redirected = (...uris: string[]): AttemptEnd<string> => ({ kind: 'redirected', sipStatus: 302, reason: 'Moved Temporarily', contacts: uris.map((uri) => invitee(uri)), barred: [] });

/** A call to one host with these servers: the first step invites the first of them. */
function toServers(...addresses: string[]): InviteAttempts<string> {
  const attempts = new InviteAttempts(invitee('trunk'));
  expect(attempts.start()).toMatchObject({ kind: 'locate', invitee: { uri: 'trunk' } });
  expect(attempts.located(addresses.map(target))).toMatchObject({ kind: 'invite', target: { address: addresses[0] } });
  return attempts;
}

describe('one host with several servers', () => {
  it.each<[string, AttemptEnd<string>]>([
    ['says nothing', { kind: 'silent' }], ['cannot be reached', { kind: 'unreachable', detail: 'ECONNREFUSED' }], ['says 503', refused(503)],
  ])('goes to the next when one %s, and no further when that one refuses', (_name, end) => {
    const attempts = toServers('a', 'b');
    expect(attempts.ended(end)).toMatchObject({ kind: 'invite', target: { address: 'b' }, isLast: true });
    expect(attempts.ended(refused(486, 'Busy Here'))).toMatchObject({ kind: 'failed', sipStatus: 486 });
  });

  it('asks nobody else when the connection breaks while a telephone may ring', () => {
    expect(toServers('192.0.2.1', '192.0.2.2').ended({ kind: 'lost', detail: 'connection closed' })).toEqual({
      kind: 'failed', sipStatus: 503, reason: '192.0.2.1:5060 over UDP was lost while it worked on the call (connection closed)',
    });
  });

  it.each([404, 480, 486, 500, 504, 603])('takes %d for the answer', (status) => {
    expect(toServers('a', 'b').ended(refused(status, 'Said So'))).toEqual({ kind: 'failed', sipStatus: status, reason: 'Said So' });
  });

  it('tells every server that it tried', () => {
    const attempts = toServers('192.0.2.1', '2001:db8::1', '192.0.2.3');
    attempts.ended({ kind: 'silent' });
    attempts.ended({ kind: 'unreachable', detail: 'ECONNREFUSED' });
    expect(attempts.ended(refused(503, 'Overloaded'))).toEqual({
      kind: 'failed', sipStatus: 503,
      reason: '192.0.2.1:5060 over UDP did not respond; [2001:db8::1]:5060 over UDP could not be reached (ECONNREFUSED); 192.0.2.3:5060 over UDP answered 503 Overloaded',
    });
  });

  it('counts a 503 for more than silence, and a refusal of the call for more than either', () => {
    const ends = (...list: AttemptEnd<string>[]): NextStep<string> | undefined => {
      const attempts = toServers('a', 'b', 'c');
      let step: NextStep<string> | undefined;
      for (const end of list) step = attempts.ended(end);
      return step;
    };
    expect(ends({ kind: 'silent' }, { kind: 'silent' }, { kind: 'silent' })).toMatchObject({ sipStatus: 408 });
    expect(ends({ kind: 'silent' }, refused(503), { kind: 'silent' })).toMatchObject({ sipStatus: 503 });
    expect(ends(refused(503), refused(486))).toMatchObject({ sipStatus: 486 });
  });

  it('says what name has no server', () => {
    const attempts = new InviteAttempts(invitee('trunk'));
    attempts.start();
    expect(attempts.notLocated('host x.invalid does not resolve')).toEqual({ kind: 'unlocated', detail: 'host x.invalid does not resolve' });
  });
});

describe('redirection', () => {
  it('follows the contacts in order, and tells how it ended', () => {
    const attempts = toServers('a');
    expect(attempts.ended(redirected('one', 'two'))).toMatchObject({ kind: 'locate', invitee: { uri: 'one' } });
    attempts.located([target('1')]);
    expect(attempts.ended(refused(486, 'Busy Here'))).toMatchObject({ kind: 'locate', invitee: { uri: 'two' } });
    attempts.located([target('2')]);
    expect(attempts.ended(refused(480, 'Away'))).toEqual({
      kind: 'failed', sipStatus: 480, reason: 'a:5060 over UDP answered 302 Moved Temporarily to one, two; 1:5060 over UDP answered 486 Busy Here; 2:5060 over UDP answered 480 Away',
    });
  });

  it('tries no further contact after a 6xx', () => {
    const attempts = toServers('a');
    attempts.ended(redirected('one', 'two'));
    attempts.located([target('1')]);
    expect(attempts.ended(refused(603, 'Decline'))).toMatchObject({ kind: 'failed', sipStatus: 603 });
  });

  it('does not go round in a circle', () => {
    const attempts = toServers('a');
    attempts.ended(redirected('one'));
    attempts.located([target('1')]);
    expect(attempts.ended(redirected('trunk', 'one'))).toMatchObject({ kind: 'failed', sipStatus: 302, reason: expect.stringContaining('back to where we came from') });
  });

  it(`follows ${MAX_REDIRECTIONS} and no more`, () => {
    const attempts = toServers('a');
    let step: NextStep<string> = attempts.ended(redirected('hop0'));
    for (let hop = 1; step.kind === 'locate'; hop++) {
      attempts.located([target(`${hop}`)]);
      step = attempts.ended(redirected(`hop${hop}`));
    }
    expect(step).toMatchObject({ kind: 'failed', sipStatus: 302, reason: expect.stringMatching(/to hop5, after 5 redirections$/) });
  });

  it('says which host it was not allowed to follow', () => {
    expect(toServers('a').ended({ kind: 'redirected', sipStatus: 302, reason: 'Moved', contacts: [], barred: ['evil.example'] }))
      .toEqual({ kind: 'failed', sipStatus: 302, reason: "Moved to evil.example, which is not among the trunk's redirect hosts" });
  });
});

describe('whatever happens', () => {
  it('ends, invites no server twice for one address, and says which it tried', () => {
    const end = fc.oneof(
      fc.constant<AttemptEnd<string>>({ kind: 'silent' }), fc.constant<AttemptEnd<string>>({ kind: 'unreachable', detail: 'x' }), fc.constant<AttemptEnd<string>>({ kind: 'lost', detail: 'x' }),
      fc.constantFrom(404, 486, 503, 603).map((status) => refused(status)), fc.array(fc.constantFrom('trunk', 'p', 'q', 'r', 's'), { maxLength: 4 }).map((uris) => redirected(...uris)));
    const located = fc.option(fc.uniqueArray(fc.constantFrom('1', '2', '3', '4'), { maxLength: 4 }));
    fc.assert(fc.property(fc.infiniteStream(end), fc.infiniteStream(located), (ends, names) => {
      const attempts = new InviteAttempts(invitee('trunk'));
      const tried: string[] = [];
      let step = attempts.start();
      for (let steps = 0; step.kind === 'locate' || step.kind === 'invite'; steps++) {
        expect(steps).toBeLessThan(200);
        if (step.kind === 'locate') {
          const addresses = names.next().value;
          step = addresses === null ? attempts.notLocated('no such name') : attempts.located(addresses.map(target));
        } else {
          tried.push(`${step.invitee.uri} ${step.target.address}`);
          step = attempts.ended(ends.next().value);
        }
      }
      expect(new Set(tried).size).toBe(tried.length);
      if (step.kind === 'unlocated') expect(tried).toEqual([]);
      else if (tried.length > 1) for (const entry of tried) expect(step.reason).toContain(`${entry.split(' ')[1]}:5060 over UDP`);
    }), { numRuns: 500 });
  });
});
