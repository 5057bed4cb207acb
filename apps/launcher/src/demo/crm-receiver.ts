import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { Webhook } from 'standardwebhooks';

export interface ReceivedPush { path: string; headers: IncomingHttpHeaders; body: string; receivedAtMs: number }

/** A CRM's receiving end on 127.0.0.1: keeps what comes in, checks signatures as an integrator would. */
export class CrmReceiver {
  /** What it answers, by path; 200 where nothing is said. */
  readonly statuses = new Map<string, number>();
  private readonly received: ReceivedPush[] = [];
  private readonly waiting: { path: string; resolve: (push: ReceivedPush) => void }[] = [];

  private constructor(private readonly server: Server, readonly url: string) {}

  static async start(): Promise<CrmReceiver> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        crm.take({ path: request.url ?? '/', headers: request.headers, body: Buffer.concat(chunks).toString('utf8'), receivedAtMs: Date.now() });
        const status = crm.statuses.get(request.url ?? '/') ?? 200;
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: status === 200 }));
      });
    });
    await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(0, '127.0.0.1', resolve); });
    const address = server.address();
    const crm: CrmReceiver = new CrmReceiver(server, `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
    return crm;
  }

  /** The first push on `path`, whether it has come already or is still to come. */
  next(path: string, timeoutMs: number): Promise<ReceivedPush> {
    const known = this.received.find((push) => push.path === path);
    if (known) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { reject(new Error(`no push reached the CRM on ${path} within ${timeoutMs / 1000} s`)); }, timeoutMs);
      this.waiting.push({ path, resolve: (push) => { clearTimeout(timer); resolve(push); } });
    });
  }

  /** What has come on `path` so far. */
  all(path: string): readonly ReceivedPush[] { return this.received.filter((push) => push.path === path); }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => { this.server.close(() => { resolve(); }); });
  }

  private take(push: ReceivedPush): void {
    this.received.push(push);
    for (const waiter of this.waiting.filter((w) => w.path === push.path)) waiter.resolve(push);
  }
}

/** @throws WebhookVerificationError unless the endpoint's secret signed exactly this body, lately. */
export function verifySignature(push: ReceivedPush, secret: string): void {
  const header = (name: string): string => String(push.headers[name] ?? '');
  new Webhook(secret).verify(push.body, { 'webhook-id': header('webhook-id'), 'webhook-timestamp': header('webhook-timestamp'), 'webhook-signature': header('webhook-signature') });
}
