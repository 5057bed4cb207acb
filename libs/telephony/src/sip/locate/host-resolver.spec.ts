import { describe, expect, it, jest } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import { HostResolver, UnresolvedHostError, type LookUp } from './host-resolver.js';

describe('HostResolver', () => {
  const setUp = (answer: LookUp): { clock: VirtualClock; lookUp: jest.Mock<LookUp>; resolver: HostResolver } => {
    const clock = new VirtualClock();
    const lookUp = jest.fn(answer);
    return { clock, lookUp, resolver: new HostResolver(clock, lookUp) };
  };

  it('prefers IPv4, asks once for several at a time, and again after five seconds', async () => {
    const { clock, lookUp, resolver } = setUp(() => Promise.resolve([{ address: '2001:db8::1', family: 6 }, { address: '192.0.2.7', family: 4 }]));
    expect(await Promise.all([resolver.resolve('pbx.example'), resolver.resolve('PBX.example')])).toEqual(['192.0.2.7', '192.0.2.7']);
    clock.advance(4_999);
    expect((await resolver.resolveAll('pbx.example')).map(({ address }) => address)).toEqual(['192.0.2.7', '2001:db8::1']);
    expect(lookUp).toHaveBeenCalledTimes(1);
    clock.advance(2);
    await resolver.resolve('pbx.example');
    expect(lookUp).toHaveBeenCalledTimes(2);
  });

  it.each([[2, 2_000], [30, 30_000], [86_400, 60_000]])('keeps an answer of %d s to live for %d ms', async (ttlSeconds, keptMs) => {
    const { clock, lookUp, resolver } = setUp(() => Promise.resolve([{ address: '192.0.2.7', family: 4, ttlSeconds }]));
    await resolver.resolve('pbx.example');
    clock.advance(keptMs - 1);
    await resolver.resolve('pbx.example');
    expect(lookUp).toHaveBeenCalledTimes(1);
    clock.advance(2);
    await resolver.resolve('pbx.example');
    expect(lookUp).toHaveBeenCalledTimes(2);
  });

  it('takes addresses as they are', async () => {
    const { lookUp, resolver } = setUp(() => Promise.resolve([]));
    expect([await resolver.resolve('10.0.0.1'), await resolver.resolve('::1')]).toEqual(['10.0.0.1', '::1']);
    expect(lookUp).not.toHaveBeenCalled();
  });

  it('says which host failed, and remembers it for three seconds', async () => {
    const { clock, lookUp, resolver } = setUp(() => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })));
    await expect(resolver.resolve('nowhere.invalid')).rejects.toThrow(UnresolvedHostError);
    await expect(resolver.resolve('nowhere.invalid')).rejects.toThrow('nowhere.invalid does not resolve (ENOTFOUND)');
    expect(lookUp).toHaveBeenCalledTimes(1);
    clock.advance(3_001);
    await expect(resolver.resolve('nowhere.invalid')).rejects.toThrow(UnresolvedHostError);
    expect(lookUp).toHaveBeenCalledTimes(2);
  });
});
