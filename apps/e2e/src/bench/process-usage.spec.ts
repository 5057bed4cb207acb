import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { cpuMs, residentKb } from './process-usage.js';

describe('process usage', () => {
  it('reads what the process itself knows', () => {
    const { user, system } = process.cpuUsage();
    expect(Math.abs(cpuMs(process.pid) - (user + system) / 1000)).toBeLessThan(200);
    expect(residentKb(process.pid) * 1024).toBeGreaterThan(process.memoryUsage.rss() / 2);
  });

  it('is not misled by a program\'s name', async () => {
    const child = spawn(process.execPath, ['-e', 'process.title = "a) b (c"; process.stdout.write("up"); setInterval(() => {}, 1000)'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect(cpuMs(child.pid ?? 0)).toBeGreaterThanOrEqual(0);
    expect(Number.isFinite(cpuMs(child.pid ?? 0))).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});
