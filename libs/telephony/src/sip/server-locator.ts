import type { HostResolver } from './host-resolver.js';
import { defaultPortOf } from './sip-socket.js';
import type { ServerLocator, SipDestination, SipTarget } from './sip-target.js';

/** Finds servers by address records. */
export class AddressLocator implements ServerLocator {
  constructor(private readonly resolver: HostResolver) {}

  async locate({ host, port, transport, tls, wsPath }: SipDestination): Promise<SipTarget[]> {
    const address = await this.resolver.resolve(host);
    return [{ transport, address, port: port ?? defaultPortOf[transport], hostname: host, tls, wsPath }];
  }

  failed(): void { /* there is no other target to prefer */ }
}
