import { MAX_MESSAGE_BYTES } from '../message/wire.js';

export interface FramedOutput {
  onMessage(text: string): void;
  /** A double CRLF between messages asks for a single one back (RFC 5626 §3.5.1). */
  onKeepAlive(): void;
  /** A single CRLF between messages: the answer to a double one of ours. */
  onPong?(): void;
}

/** The stream cannot be followed any more: the connection must be closed (RFC 3261 §18.3). */
export class StreamFramingError extends Error {}

const HEADER_END = Buffer.from('\r\n\r\n');
const CONTENT_LENGTH = /\r\n(?:Content-Length|l)[ \t]*:[ \t]*([^\r\n]*)/gi;
const CR = 13;
const LF = 10;

/** Cuts a byte stream into SIP messages by Content-Length (RFC 3261 §18.3), however the bytes arrive in chunks. */
export class StreamFramer {
  private pending: Buffer = Buffer.alloc(0);
  /** Where the search for the end of the headers goes on, so that a slow sender costs no quadratic scan. */
  private searched = 0;

  constructor(private readonly output: FramedOutput) {}

  /** Throws StreamFramingError when headers are unterminated or a message is larger than MAX_MESSAGE_BYTES. */
  push(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    while (this.takeMessage());
  }

  private takeMessage(): boolean {
    this.skipKeepAlives();
    const headerEnd = this.pending.indexOf(HEADER_END, this.searched);
    if (headerEnd < 0) {
      if (this.pending.length > MAX_MESSAGE_BYTES) throw new StreamFramingError(`headers of more than ${MAX_MESSAGE_BYTES} bytes`);
      this.searched = Math.max(0, this.pending.length - HEADER_END.length + 1);
      return false;
    }
    const bodyStart = headerEnd + HEADER_END.length;
    const end = bodyStart + bodyLength(this.pending.toString('latin1', 0, headerEnd));
    if (end > MAX_MESSAGE_BYTES) throw new StreamFramingError(`message of ${end} bytes`);
    if (this.pending.length < end) { this.searched = headerEnd; return false; }
    const text = this.pending.toString('utf8', 0, end);
    this.consume(end);
    this.output.onMessage(text);
    return true;
  }

  /** CRLFs before a start line are no part of the message (RFC 3261 §7.5). */
  private skipKeepAlives(): void {
    let at = 0;
    while (this.pending[at] === CR && this.pending[at + 1] === LF) {
      if (this.pending[at + 2] === CR && this.pending[at + 3] === LF) { this.output.onKeepAlive(); at += 2; } else this.output.onPong?.();
      at += 2;
    }
    if (at > 0) this.consume(at);
  }

  private consume(bytes: number): void {
    this.pending = this.pending.subarray(bytes);
    this.searched = 0;
  }
}

/** Absent means none: on a stream the length is mandatory, and guessing would swallow the next message. */
function bodyLength(headers: string): number {
  const values = [...headers.matchAll(CONTENT_LENGTH)].map((match) => match[1].trim());
  if (values.length === 0) return 0;
  const [value] = values;
  if (values.some((other) => other !== value)) throw new StreamFramingError('Content-Length says two things');
  if (!/^\d{1,9}$/.test(value)) throw new StreamFramingError('Content-Length is not a number');
  return Number(value);
}
