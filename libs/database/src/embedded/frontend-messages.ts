/**
 * Cuts a client's bytes into messages of the PostgreSQL frontend protocol (PostgreSQL manual, "Message Formats").
 * The first message of a connection has no type byte; SSLRequest and CancelRequest take its place.
 */
export interface FrontendMessage { /** `startup`, `ssl`, `cancel`, or the type byte as a character. */ kind: string; bytes: Uint8Array }

const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export class FrontendMessages {
  private buffer: Buffer = Buffer.alloc(0);
  private started = false;

  /** Whole messages so far, in order. @throws Error on a length that cannot be. */
  push(chunk: Buffer): FrontendMessage[] {
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk]);
    const messages: FrontendMessage[] = [];
    for (let message = this.next(); message; message = this.next()) messages.push(message);
    return messages;
  }

  private next(): FrontendMessage | undefined {
    const typeBytes = this.started ? 1 : 0;
    if (this.buffer.length < typeBytes + 4) return undefined;
    const length = this.buffer.readInt32BE(typeBytes);
    if (length < 4 || length > MAX_MESSAGE_BYTES) throw new Error('not a PostgreSQL client');
    const end = typeBytes + length;
    if (this.buffer.length < end) return undefined;
    const bytes = Uint8Array.from(this.buffer.subarray(0, end));
    const kind = this.started ? String.fromCharCode(bytes[0]) : this.openingKind(this.buffer);
    this.buffer = this.buffer.subarray(end);
    return { kind, bytes };
  }

  private openingKind(bytes: Buffer): string {
    const code = bytes.length >= 8 ? bytes.readInt32BE(4) : 0;
    if (code === SSL_REQUEST || code === GSSENC_REQUEST) return 'ssl';
    if (code === CANCEL_REQUEST) return 'cancel';
    this.started = true;
    return 'startup';
  }
}
