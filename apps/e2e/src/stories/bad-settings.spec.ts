import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TemporaryNats } from '@dialfleet/messaging';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../harness/integrator.js';
import { PlatformProcess } from '../harness/platform-process.js';
import { fleetEnv } from '../harness/test-fleet.js';

describe('an operator whose settings cannot work', () => {
  let nats: TemporaryNats;
  let dataDir: string;
  const taken: (() => void)[] = [];
  beforeAll(async () => {
    nats = await TemporaryNats.start();
    dataDir = mkdtempSync(join(tmpdir(), 'dialfleet-operator-'));
  });
  afterEach(() => { for (const free of taken.splice(0)) free(); });
  afterAll(async () => {
    await nats?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const takenTcpPort = async (): Promise<number> => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => { server.once('listening', resolve); });
    taken.push(() => { server.close(); });
    return (server.address() as AddressInfo).port;
  };
  const takenUdpPort = async (): Promise<number> => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
    taken.push(() => { socket.close(); });
    return socket.address().port;
  };
  /** Runs the program to its end; returns all it said. */
  const lastWords = async (program: PlatformProcess): Promise<string[]> => {
    expect(await program.exit).toBe(1);
    return program.said;
  };
  const worker = (env: NodeJS.ProcessEnv): PlatformProcess =>
    PlatformProcess.service('worker', { ...fleetEnv(dataDir), DIALFLEET_LOG_LEVEL: 'warn', NATS_URL: nats.url, ...env });

  it.each<[string, () => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv>, RegExp]>([
    ['no broker', () => ({ NATS_URL: 'nats://user:hunter2@127.0.0.1:1' }), /cannot reach NATS at nats:\/\/\*\*\*@127\.0\.0\.1:1/],
    ['RTP ports upside down', () => ({ DIALFLEET_RTP_PORTS: '40000-30000' }), /DIALFLEET_RTP_PORTS must be a range of ports/],
    ['a number that is none', () => ({ DIALFLEET_MAX_CALLS: 'ten' }), /DIALFLEET_MAX_CALLS must be a whole number from 1 to 2000, not "ten"/],
    ['no such log level', () => ({ DIALFLEET_LOG_LEVEL: 'loud' }), /DIALFLEET_LOG_LEVEL must be debug/],
    ['a worker id with wildcards', () => ({ DIALFLEET_WORKER_ID: 'w.*' }), /DIALFLEET_WORKER_ID may have letters/],
    ['an allow list that is none', () => ({ DIALFLEET_EGRESS_ALLOW: 'localhost' }), /DIALFLEET_EGRESS_ALLOW: "localhost" is not an address range/],
    ['a SIP port that another program has for UDP', async () => ({ DIALFLEET_SIP_PORT: String(await takenUdpPort()) }), /DIALFLEET_SIP_PORT: UDP port \d+ is taken/],
    ['a SIP port that another program has for TCP', async () => ({ DIALFLEET_SIP_PORT: String(await takenTcpPort()) }), /DIALFLEET_SIP_PORT: TCP port \d+ is taken/],
    ['a data folder that is a file', () => { writeFileSync(join(dataDir, 'file'), ''); return { DIALFLEET_DATA_DIR: join(dataDir, 'file') }; }, /not a directory/],
  ])('a worker with %s ends with one line that says so', async (_what, env, line) => {
    const said = await lastWords(worker(await env()));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(line);
    expect(said[0]).not.toContain('hunter2');
  });

  it('an HTTP port that is taken: the launcher names it, and leaves nothing running', async () => {
    const port = await takenTcpPort();
    const said = await lastWords(PlatformProcess.launcher({ ...fleetEnv(dataDir), DIALFLEET_LOG_LEVEL: 'silent', DIALFLEET_PORT: String(port), NATS_URL: nats.url, DIALFLEET_WORKERS: '0' }));
    expect(said.at(-1)).toMatch(new RegExp(`gateway could not start: DIALFLEET_PORT: port ${port} is taken by another program`));
  });

  it('Ctrl-C while it starts: what was started is stopped again', async () => {
    const own = mkdtempSync(join(tmpdir(), 'dialfleet-operator-'));
    const launcher = PlatformProcess.launcher(fleetEnv(own));
    const brokersPid = await eventually('the broker runs', () => Number(readFileSync(join(own, 'nats', 'server.pid'), 'utf8')) || undefined);
    launcher.kill('SIGINT');
    expect(await launcher.exit).toBe(130);
    expect(launcher.printed).toEqual([]);
    expect(() => process.kill(brokersPid, 0)).toThrow();
    rmSync(own, { recursive: true });
  });

  it('no broker, or no database: the launcher says which', async () => {
    const broker = PlatformProcess.launcher({ ...fleetEnv(dataDir), NATS_URL: 'nats://127.0.0.1:1', DIALFLEET_WORKERS: '0' });
    expect((await lastWords(broker)).at(-1)).toMatch(/could not start: cannot reach NATS at nats:\/\/127\.0\.0\.1:1/);
    const database = PlatformProcess.launcher({ ...fleetEnv(dataDir), NATS_URL: nats.url, DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1:1/x' });
    const said = await lastWords(database);
    expect(said.at(-1)).toMatch(/cannot reach the database at 127\.0\.0\.1:1\/x/);
    expect(said.join()).not.toContain('hunter2');
  });
});
