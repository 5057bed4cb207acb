import type { Body } from 'sip.js/lib/core/messages/body.js';

interface MessageWithBody { body: string; getHeader(name: string): string | undefined }

/** The session description that a message carries; undefined when it carries none. */
export function sdpOf(message: MessageWithBody): string | undefined {
  const type = message.getHeader('content-type') ?? '';
  return message.body !== '' && message.body !== undefined && /^application\/sdp\b/i.test(type) ? message.body : undefined;
}

export const sdpBody = (sdp: string): Body => ({ contentDisposition: 'session', contentType: 'application/sdp', content: sdp });
