import { createSocket, type Socket } from 'node:dgram';
import { decode, encode, type Answer, type Packet } from 'dns-packet';

/** A name server on 127.0.0.1 that knows what it is told, and counts what it is asked. */
export class TestDnsServer {
  readonly asked: string[] = [];
  /** Answers nothing at all. */
  silent = false;
  private constructor(private readonly socket: Socket, private answers: Answer[]) {
    socket.on('message', (datagram, { address, port }) => {
      const query = decode(datagram);
      for (const { name, type } of query.questions ?? []) this.asked.push(`${type} ${name}`);
      if (!this.silent) socket.send(this.reply(query), port, address);
    });
  }

  static async start(answers: Answer[]): Promise<TestDnsServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
    return new TestDnsServer(socket, answers);
  }

  /** As `Resolver.setServers` takes it. */
  get address(): string { return `127.0.0.1:${this.socket.address().port}`; }

  knows(answers: Answer[]): void { this.answers = answers; }

  close(): Promise<void> { return new Promise((resolve) => { this.socket.close(() => resolve()); }); }

  private reply({ id, questions = [] }: Packet): Buffer {
    const named = this.answers.filter(({ name }) => questions.some((question) => question.name.toLowerCase() === name.toLowerCase()));
    const answers = named.filter(({ type }) => questions.some((question) => question.type === type));
    // 3: no such name.
    return encode({ id, type: 'response', questions, answers, flags: named.length === 0 ? 3 : 0 });
  }
}
