import { createSocket, type Socket } from 'node:dgram';

export const PEER_SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n';

export interface Extras { headers?: readonly string[]; body?: string; contentType?: string; contact?: string | null }

/** The far end of one call over UDP, played by hand: a test says what it sends, and reads what it got. */
export class DialogPeer {
  readonly received: string[] = [];
  private waiting: (() => void)[] = [];
  private cseq = 10;
  private dialog = { callId: '', local: '', remote: '', target: '' };

  private constructor(private readonly socket: Socket, readonly port: number, private readonly theirPort: () => number) {
    socket.on('message', (datagram) => {
      this.received.push(datagram.toString());
      for (const wake of this.waiting.splice(0)) wake();
    });
  }

  static async open(theirPort: () => number): Promise<DialogPeer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
    return new DialogPeer(socket, socket.address().port, theirPort);
  }

  close(): Promise<void> { return new Promise((resolve) => { this.socket.close(() => resolve()); }); }

  /** The `nth` message whose start line begins so. */
  async next(start: string, nth = 0): Promise<string> {
    for (;;) {
      const found = this.received.filter((text) => text.startsWith(start))[nth];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => { this.waiting.push(resolve); });
    }
  }

  count(start: string): number { return this.received.filter((text) => text.startsWith(start)).length; }

  /** Sends an INVITE (we call them); the dialog is known once they answered: see `established`. */
  invite(extras: Extras = {}): void {
    this.dialog = { callId: `peer-${this.port}`, local: `<sip:caller@127.0.0.1:${this.port}>;tag=peer`, remote: '<sip:dialfleet@127.0.0.1>', target: `sip:dialfleet@127.0.0.1:${this.theirPort()}` };
    this.request('INVITE', { body: PEER_SDP, ...extras });
  }

  /** Their 200 to our INVITE: its To tag and Contact make the dialog; acknowledged with `body`. */
  async established(body = ''): Promise<string> {
    const ok = await this.next('SIP/2.0 200');
    this.learn(ok);
    this.request('ACK', { body }, Number.parseInt(header(ok, 'CSeq'), 10));
    return ok;
  }

  /** Requests go where this response to our INVITE says; '': outside of any dialog. */
  learn(response: string): void {
    if (response === '') this.dialog = { callId: `peer-${this.port}`, local: '<sip:caller@127.0.0.1>;tag=peer', remote: '<sip:dialfleet@127.0.0.1>', target: `sip:dialfleet@127.0.0.1:${this.theirPort()}` };
    else this.dialog = { ...this.dialog, remote: header(response, 'To'), target: header(response, 'Contact').replace(/[<>]/g, '') };
  }

  /** Answers their INVITE: from now on requests can be sent within the dialog. */
  answer(invite: string, extras: Extras = {}): void {
    this.early(invite, '200 OK', { body: PEER_SDP, ...extras });
  }

  /** A response that makes a dialog. */
  early(invite: string, status: string, extras: Extras = {}): void {
    this.reply(invite, status, extras);
    this.dialog = { callId: header(invite, 'Call-ID'), local: `${header(invite, 'To')};tag=peer`, remote: header(invite, 'From'), target: header(invite, 'Contact').replace(/[<>]/g, '') };
  }

  reply(request: string, status: string, extras: Extras = {}): void {
    const to = header(request, 'To');
    this.transmit([`SIP/2.0 ${status}`, ...lines(request, 'Via'), `From: ${header(request, 'From')}`, `To: ${to.includes(';tag=') ? to : `${to};tag=peer`}`,
      `Call-ID: ${header(request, 'Call-ID')}`, `CSeq: ${header(request, 'CSeq')}`], extras);
  }

  /** Sends a request within the dialog; its answer comes with the CSeq that is returned. */
  request(method: string, extras: Extras = {}, cseq = method === 'ACK' ? this.cseq : ++this.cseq): string {
    this.transmit([`${method} ${this.dialog.target} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${this.port}${method}${cseq}`, `From: ${this.dialog.local}`, `To: ${this.dialog.remote}`,
      `Call-ID: ${this.dialog.callId}`, `CSeq: ${cseq} ${method}`, 'Max-Forwards: 70'], extras);
    return `${cseq} ${method}`;
  }

  /** Gives the INVITE up that it sent: same branch, same CSeq number (RFC 3261 §9.1). */
  cancel(): void {
    const { callId, local, remote, target } = this.dialog;
    this.transmit([`CANCEL ${target} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${this.port}INVITE${this.cseq}`, `From: ${local}`, `To: ${remote.replace(/;tag=.*/, '')}`,
      `Call-ID: ${callId}`, `CSeq: ${this.cseq} CANCEL`, 'Max-Forwards: 70'], { contact: null });
  }

  ack(extras: Extras = {}): void { this.request('ACK', extras); }

  /** Sends it and waits for the final answer. */
  async ask(method: string, extras: Extras = {}): Promise<string> {
    const cseq = this.request(method, extras);
    const answer = await this.answerTo(cseq);
    if (method === 'INVITE' && !answer.startsWith('SIP/2.0 2')) this.request('ACK', {}, Number.parseInt(cseq, 10));
    return answer;
  }

  async answerTo(cseq: string): Promise<string> {
    for (;;) {
      const found = this.received.find((text) => /^SIP\/2\.0 [2-6]/.test(text) && header(text, 'CSeq') === cseq);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => { this.waiting.push(resolve); });
    }
  }

  private transmit(head: readonly string[], { headers = [], body = '', contentType = 'application/sdp', contact = `<sip:peer@127.0.0.1:${this.port}>` }: Extras): void {
    const text = [...head, ...(contact === null ? [] : [`Contact: ${contact}`]), ...headers, ...(body === '' ? [] : [`Content-Type: ${contentType}`]),
      `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
    this.socket.send(text, this.theirPort(), '127.0.0.1');
  }
}

const lines = (message: string, name: string): string[] => message.split('\r\n').filter((line) => line.startsWith(`${name}: `));

/** The value of a header field; empty when it is absent. */
export const header = (message: string, name: string): string => new RegExp(`^${name}: *(.*)$`, 'im').exec(message)?.[1].trimEnd() ?? '';
export const statusOf = (response: string): number => Number(response.slice(8, 11));
