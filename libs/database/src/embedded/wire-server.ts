import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import { FrontendMessages, type FrontendMessage } from './frontend-messages.js';
import { Turnstile } from './turnstile.js';

/** Ends a unit of work: Query and Sync are answered with ReadyForQuery; a connection's start is one unit of its own. */
const UNIT_ENDS = new Set(['Q', 'S', 'startup']);
const TERMINATE = 'X';

/**
 * PGlite behind a socket that speaks PostgreSQL's wire protocol to many clients. PGlite is one backend session, so one
 * client at a time has it: for a whole unit (Parse … Sync, or a Query), and through a transaction until it ends. Anything
 * finer would mix one client's unnamed statement with another's.
 */
export class WireServer {
  private readonly turnstile = new Turnstile<Socket>();
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor(private readonly db: PGlite) { this.server = createServer((socket) => { this.serve(socket); }); }

  static async listen(db: PGlite, port: number): Promise<WireServer> {
    const wire = new WireServer(db);
    await new Promise<void>((resolve, reject) => { wire.server.once('error', reject); wire.server.listen(port, '127.0.0.1', resolve); });
    return wire;
  }

  get port(): number { return (this.server.address() as AddressInfo).port; }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => { this.server.close(() => { resolve(); }); });
    for (const socket of this.sockets) socket.destroy();
    await closed;
    await this.turnstile.idle();
  }

  private serve(socket: Socket): void {
    const messages = new FrontendMessages();
    let work: Promise<void> = Promise.resolve();
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => { this.sockets.delete(socket); work = work.then(() => this.abandon(socket)); });
    socket.on('data', (chunk) => {
      let batch: FrontendMessage[];
      try { batch = messages.push(chunk); } catch { socket.destroy(); return; }
      for (const message of batch) work = work.then(() => this.handle(socket, message)).catch(() => { socket.destroy(); });
    });
  }

  private async handle(socket: Socket, { kind, bytes }: FrontendMessage): Promise<void> {
    if (kind === 'ssl') { socket.write('N'); return; }
    if (kind === 'cancel' || kind === TERMINATE) { socket.end(); return; }
    if (socket.destroyed) return;
    await this.turnstile.enter(socket);
    await this.db.execProtocolRawStream(bytes, { onRawData: (data) => { if (socket.writable) socket.write(Buffer.from(data)); } });
    if (UNIT_ENDS.has(kind) && !this.db.isInTransaction()) this.turnstile.leave(socket);
  }

  /** A client that went away in the middle of something must not keep the session, nor leave its transaction open. */
  private async abandon(socket: Socket): Promise<void> {
    if (!this.turnstile.isInside(socket)) return;
    try {
      await this.db.execProtocolRaw(SYNC);
      if (this.db.isInTransaction()) await this.db.exec('ROLLBACK');
    } finally { this.turnstile.leave(socket); }
  }
}

const SYNC = Uint8Array.of(0x53, 0, 0, 0, 4);
