import { Fault } from '@dialfleet/kit';

export type EgressErrorCode =
  | 'invalid_url' | 'invalid_header' | 'https_required' | 'blocked_address'
  | 'dns_failed' | 'connect_failed' | 'tls_failed' | 'timeout' | 'aborted' | 'protocol_error';

/** Why a request got no answer. The message is fit for the operator: it names the host, never a secret. */
export class EgressError extends Fault {
  constructor(readonly code: EgressErrorCode, message: string, options?: ErrorOptions) {
    super(message, !['invalid_url', 'invalid_header', 'https_required'].includes(code), options);
  }
}
