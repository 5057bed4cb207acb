import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import type { ServerTls } from '@dialfleet/telephony';

const EVERY_MS = 10 * 60_000;

/** Reads the certificate files anew now and then, and hands on what has changed: certificates are renewed in place. */
export function watchCertificate(shown: ServerTls, read: () => ServerTls | null, renew: (tls: ServerTls) => Promise<void>, clock: Clock, logger: Logger): () => void {
  let current = shown;
  let cancel: () => void = () => undefined;
  const look = async (): Promise<void> => {
    try {
      const found = read();
      if (found && (found.certificate !== current.certificate || found.key !== current.key)) {
        await renew(found);
        current = found;
        logger.info('SIP certificate renewed');
      }
    } catch (error) {
      // Perhaps only one of the files is written yet.
      logger.warn('SIP certificate cannot be renewed', { error: errorMessage(error) });
    }
  };
  const next = (): void => { cancel = clock.after(EVERY_MS, () => { void look(); next(); }); };
  next();
  return () => cancel();
}
