import { describe, expect, it } from '@jest/globals';
import { localAddressTowards } from './local-address.js';

describe('localAddressTowards', () => {
  it('is loopback for a host on this machine', async () => { await expect(localAddressTowards('127.0.0.1', 5060)).resolves.toBe('127.0.0.1'); });

  it('fails for a name that does not resolve, instead of naming no address', async () => { await expect(localAddressTowards('carrier.invalid', 5060)).rejects.toThrow(/carrier\.invalid/); });
});
