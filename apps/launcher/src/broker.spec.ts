import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from './broker.js';
import { freePort } from './free-port.js';
import { isAlive } from './process-table.js';

describe('the broker', () => {
  let folder: string;
  const said: string[] = [];
  const brokers: Broker[] = [];
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'dialfleet-broker-')); said.length = 0; });
  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.stop()));
    rmSync(folder, { recursive: true, force: true });
  });
  const start = async (): Promise<Broker> => {
    const broker = await Broker.start(folder, (text) => { said.push(text); });
    brokers.push(broker);
    return broker;
  };
  const pid = (): number => Number(readFileSync(join(folder, 'nats', 'server.pid'), 'utf8'));
  const until = async (condition: () => boolean): Promise<void> => { while (!condition()) await new Promise((resolve) => { setTimeout(resolve, 20); }); };

  it('is started again when it dies, and stays stopped when it was stopped', async () => {
    const broker = await start();
    const first = pid();
    process.kill(first, 'SIGKILL');
    await until(() => pid() !== first && isAlive(pid()));
    expect(said).toEqual(['nats-server ended unexpectedly (SIGKILL); starting it again']);
    const second = pid();
    await broker.stop();
    expect(isAlive(second)).toBe(false);
    expect(said).toHaveLength(1);
  });

  it('takes the place of one that a killed launcher left behind', async () => {
    const store = join(folder, 'nats');
    mkdirSync(store);
    const leftover = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(await freePort()), '-js', '-sd', store, '-P', join(store, 'server.pid')],
      { stdio: 'ignore', env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` } });
    const exited = once(leftover, 'exit');
    await until(() => existsSync(join(store, 'server.pid')));
    await start();
    await exited;
    expect(pid()).not.toBe(leftover.pid);
  });
});
