import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { envText, SettingError, type Env } from '@dialfleet/kit';
import type { ServerTls } from '@dialfleet/telephony';

/** The certificate chain and key that SIP listeners show; null when none is configured. @throws SettingError naming the variable */
export function readSipCertificate(env: Env): ServerTls | null {
  const [certFile, keyFile] = [envText(env, 'DIALFLEET_SIP_TLS_CERT', ''), envText(env, 'DIALFLEET_SIP_TLS_KEY', '')];
  if (!certFile && !keyFile) return null;
  if (!certFile || !keyFile) throw new SettingError('DIALFLEET_SIP_TLS_CERT and DIALFLEET_SIP_TLS_KEY go together: files with the certificate chain and its key, PEM');
  const tls = { certificate: read('DIALFLEET_SIP_TLS_CERT', certFile), key: read('DIALFLEET_SIP_TLS_KEY', keyFile) };
  try {
    createSecureContext({ cert: tls.certificate, key: tls.key });
  } catch (error) {
    throw new SettingError('DIALFLEET_SIP_TLS_CERT and DIALFLEET_SIP_TLS_KEY are no pair of a PEM certificate and its key', { cause: error });
  }
  return tls;
}

function read(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SettingError(`${name}: the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, { cause: error });
  }
}
