import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Service } from './service.js';

const READY = 'process.stdout.write(\'{"ready":true}\\n\');';
const LASTS = 'process.stdin.once("end", () => process.exit(0)).resume();';

describe('a service', () => {
  let folder: string;
  let service: Service | undefined;
  const said: string[] = [];
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'dialfleet-service-')); said.length = 0; });
  afterEach(async () => {
    await service?.stop(5000);
    rmSync(folder, { recursive: true, force: true });
  });
  const make = (program: string): Service => {
    const script = join(folder, 'main.cjs');
    writeFileSync(script, program);
    service = new Service({ label: 'thing', script, env: {}, logFile: join(folder, 'log') }, () => undefined, (text) => { said.push(text); });
    return service;
  };
  const until = async (condition: () => boolean): Promise<void> => { while (!condition()) await new Promise((resolve) => { setTimeout(resolve, 20); }); };

  it('is started again when it dies', async () => {
    const thing = make(READY + LASTS);
    await thing.start();
    const first = thing.pid as number;
    process.kill(first, 'SIGKILL');
    await until(() => thing.pid !== undefined && thing.pid !== first);
    expect(said).toEqual(['thing ended unexpectedly (SIGKILL); starting it again']);
  });

  it('cannot start: the reason is its own', async () => {
    await expect(make('process.stdout.write(\'{"ready":false,"reason":"port 80 is taken"}\\n\', () => process.exit(1));').start()).rejects.toThrow('thing could not start: port 80 is taken');
    await expect(make('process.exit(3)').start()).rejects.toThrow('thing ended before it was ready (exit code 3)');
  });

  it('may be stopped before it is ready, and when it does not listen', async () => {
    const slow = make(`${LASTS} process.on("SIGTERM", () => undefined); setTimeout(() => { ${READY} }, 60_000);`);
    const starting = slow.start();
    await until(() => slow.pid !== undefined);
    const stopped = slow.stop(200);
    await expect(starting).rejects.toThrow('thing ended before it was ready');
    await stopped;
    expect(slow.pid).toBeUndefined();
  });
});
