import type { Body } from 'sip.js/lib/core/messages/body.js';
import { bodyParts } from './multipart-body.js';

interface MessageWithBody { body: string; getHeader(name: string): string | undefined }

const isSdp = (contentType: string): boolean => /^\s*application\s*\/\s*sdp\s*(?:;|$)/i.test(contentType);

/**
 * The session description that a message carries, alone or among other parts (as with ISUP or location, RFC 5621 §3.1);
 * undefined when it carries none.
 */
export function sdpOf(message: MessageWithBody): string | undefined {
  const { body } = message;
  if (!body) return undefined;
  const type = message.getHeader('content-type') ?? '';
  if (isSdp(type)) return body;
  return bodyParts(type, body).find((part) => isSdp(part.contentType) && part.content !== '')?.content;
}

export const sdpBody = (sdp: string): Body => ({ contentDisposition: 'session', contentType: 'application/sdp', content: sdp });
