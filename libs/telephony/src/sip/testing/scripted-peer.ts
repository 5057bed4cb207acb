import { createSocket, type Socket } from 'node:dgram';

export const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n';

/** A peer that speaks UDP by hand: sends what a test tells it to, and remembers what it got. */
export class ScriptedPeer {
  private static readonly all: ScriptedPeer[] = [];
  readonly received: string[] = [];
  private waiting: (() => void)[] = [];
  private constructor(private readonly socket: Socket, readonly port: number) {
    socket.on('message', (datagram) => {
      this.received.push(datagram.toString());
      for (const wake of this.waiting.splice(0)) wake();
    });
  }

  static async open(): Promise<ScriptedPeer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
    const peer = new ScriptedPeer(socket, socket.address().port);
    ScriptedPeer.all.push(peer);
    return peer;
  }

  /** After each test. */
  static async closeAll(): Promise<void> { await Promise.all(ScriptedPeer.all.splice(0).map((peer) => new Promise<void>((resolve) => { peer.socket.close(() => resolve()); }))); }

  async next(method: string, nth = 0): Promise<string> {
    for (;;) {
      const found = this.received.filter((text) => text.startsWith(`${method} `))[nth];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => { this.waiting.push(resolve); });
    }
  }

  send(text: string, port: number): void { this.socket.send(text, port, '127.0.0.1'); }

  reply(request: string, startLine: string, port: number, { headers = [], body = '', tag = 'peer' }: { headers?: string[]; body?: string; tag?: string | null } = {}): void {
    const line = (name: string): string => new RegExp(`^${name}: .*$`, 'm').exec(request)?.[0].trimEnd() ?? '';
    const to = line('To');
    this.send([`SIP/2.0 ${startLine}`, line('Via'), line('From'), tag === null || to.includes(';tag=') ? to : `${to};tag=${tag}`, line('Call-ID'), line('CSeq'),
      `Contact: <sip:peer@127.0.0.1:${this.port}>`, ...headers, ...(body ? ['Content-Type: application/sdp'] : []), `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'), port);
  }

  /** An in-dialog request of the callee. */
  request(method: string, invite: string, cseq: number, { headers = [], body = '' }: { headers?: string[]; body?: string } = {}): string {
    const value = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(invite)?.[1].trimEnd() ?? '';
    return [`${method} ${value('Contact').slice(1, -1)} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bKpeer${method}${cseq}`, `From: ${value('To')};tag=peer`, `To: ${value('From')}`,
      `Call-ID: ${value('Call-ID')}`, `CSeq: ${cseq} ${method}`, `Contact: <sip:peer@127.0.0.1:${this.port}>`, 'Max-Forwards: 70', ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
  }
}
