import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from './repository.js';

// No --input-type: the speech threads would inherit it.
const warmUpSpeech = `Promise.all([import('@dialfleet/providers'), import('@dialfleet/kit')]).then(async ([{ createProviders }, { jsonLogger }]) => {
  const providers = createProviders({ logger: jsonLogger('error', console.error) });
  await providers.warmUp();
  await providers.close();
  process.exit(0);
});`;

describe('the local speech models', () => {
  it('load without starting the telemetry of their runtime', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dialfleet-telemetry-'));
    const env = { ...process.env, CI: undefined }; // CI suppresses it too
    const child = spawn(process.execPath, ['--eval', warmUpSpeech],
      { cwd: join(repositoryRoot, 'apps/worker'), env: { ...env, TMPDIR: folder }, stdio: ['ignore', 'inherit', 'pipe'] });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => { log += chunk.toString('utf8'); });
    const [code] = await once(child, 'close') as [number];
    // The telemetry library opens its log before anything else it does.
    const traces = readdirSync(folder).filter((name) => name.startsWith('mat-debug'));
    rmSync(folder, { recursive: true });
    expect({ code, traces, log }).toEqual({ code: 0, traces: [], log: '' });
  });
});
