import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';

/** A SIP caller that is nothing but a UDP socket: sends what it is told to, keeps all that comes back. */
export class RawCaller {
  readonly received: string[] = [];
  private readonly waiting = new Set<() => void>();

  private constructor(private readonly socket: Socket, readonly address: string, private readonly to: { address: string; port: number }) {
    socket.on('message', (datagram) => {
      this.received.push(datagram.toString('latin1'));
      for (const look of [...this.waiting]) look();
    });
  }

  /** `sipAddress`: `address:port` of the worker. */
  static async open(sipAddress: string, from = '127.0.0.1'): Promise<RawCaller> {
    const [, address, port] = /^(.*):(\d+)$/.exec(sipAddress) ?? [];
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => { socket.once('error', reject); socket.bind(0, from, resolve); });
    return new RawCaller(socket, from, { address, port: Number(port) });
  }

  send(text: string): void { this.socket.send(text, this.to.port, this.to.address); }

  /** The first message from now on, or before, that has `text` in it. */
  heard(text: string): Promise<string> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.received.find((message) => message.includes(text));
        if (found === undefined) return;
        this.waiting.delete(look);
        resolve(found);
      };
      this.waiting.add(look);
      look();
    });
  }

  /** A request; the same `callId` and `branch` make it the same one again. */
  request(method: string, change: { to?: string; from?: string; callId?: string; branch?: string; tag?: string; toTag?: string; cseq?: number; headers?: string[]; body?: string } = {}): string {
    const { to = '+14155550100', from = '+14155550177', callId = randomBytes(8).toString('hex'), branch = `z9hG4bK${randomBytes(8).toString('hex')}`, tag = 'raw', toTag, cseq = 1, headers = [], body = '' } = change;
    const { port } = this.socket.address();
    return [
      `${method} sip:${to}@${this.to.address}:${this.to.port} SIP/2.0`, `Via: SIP/2.0/UDP ${this.address}:${port};branch=${branch};rport`, 'Max-Forwards: 70',
      `From: <sip:${from}@${this.address}>;tag=${tag}`, `To: <sip:${to}@${this.to.address}>${toTag === undefined ? '' : `;tag=${toTag}`}`, `Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`,
      `Contact: <sip:${from}@${this.address}:${port}>`, ...(body === '' ? [] : ['Content-Type: application/sdp']), ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', body,
    ].join('\r\n');
  }

  close(): Promise<void> { return new Promise((resolve) => { this.socket.close(() => { resolve(); }); }); }
}

/** An offer of PCMU that nobody listens to. */
export const anOffer = (address = '127.0.0.1', port = 40_000): string =>
  ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', `m=audio ${port} RTP/AVP 0`, 'a=rtpmap:0 PCMU/8000', ''].join('\r\n');
