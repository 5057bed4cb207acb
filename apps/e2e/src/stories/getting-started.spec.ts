import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient, Fleet } from '@dialfleet/launcher';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readText, repositoryRoot } from '../deployment/repository.js';
import { ExternalProgram, freePort } from '../harness/external-program.js';
import { codeBlocks } from '../harness/markdown.js';
import { fleetEnv } from '../harness/test-fleet.js';

/** Runs what the documents show, but for the ports, which are free ones here. */
describe('a newcomer who copies every command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialfleet-newcomer-'));
  const running: ExternalProgram[] = [];
  let fleet: Fleet;
  let ports: Record<string, string>;
  const withPorts = (text: string): string => Object.entries(ports).reduce((result, [shown, used]) => result.replaceAll(shown, used), text);
  const run = (program: string, ...args: string[]): ExternalProgram => {
    running.push(new ExternalProgram(program, args, program === 'bash' ? folder : repositoryRoot));
    return running[running.length - 1];
  };

  beforeAll(async () => {
    fleet = await Fleet.start({ say: () => undefined, logToFiles: true, env: fleetEnv(join(folder, '.data')) });
    ports = { 'localhost:3000': new URL(fleet.runFile.url).host, '5070': String(await freePort()), '4000': String(await freePort()) };
  });
  afterAll(async () => {
    await Promise.all(running.map((program) => program.stop()));
    await fleet?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('of docs/getting-started.md gets a call, its result and its recording', async () => {
    const blocks = codeBlocks(readText('docs/getting-started.md'), 'sh').map((block) => withPorts(block).trim());
    const isServer = (block: string): boolean => block.startsWith('node ');
    const [carrier, receiver] = blocks.filter(isServer).map((block) => run('bash', '-c', `cd ${repositoryRoot} && exec ${block}`));
    await carrier.wrote('ready');
    const shell = run('bash', '-euo', 'pipefail', '-c', blocks.filter((block) => !isServer(block) && !block.includes('npm start')).join('\n'));
    expect([await shell.exited, shell.output]).toEqual([0, expect.stringMatching(/"type":"call\.ended"[\s\S]*"disconnected_by":"bot"[\s\S]*"name":"My carrier"/)]);
    await receiver.wrote('"lead_id":"C-1042"');
    expect(readFileSync(join(folder, 'call.wav')).subarray(0, 4).toString()).toBe('RIFF');
  });

  it('of docs/integrations.md verifies what it receives', async () => {
    const [code] = codeBlocks(readText('docs/integrations.md'), 'js');
    const api = new ApiClient(fleet.runFile.url, fleet.runFile.admin_api_key ?? '');
    const port = await freePort();
    const { bot_id: botId } = await api.post<{ bot_id: string }>('/api/v1/bots', { name: 'Any', opening_message: 'Hello.' });
    const { endpoint_id: endpointId, secret } = await api.post<{ endpoint_id: string; secret: string }>(`/api/v1/bots/${botId}/endpoints`, { kind: 'webhook', url: `http://127.0.0.1:${port}/results` });
    const receiver = run(process.execPath, '--input-type=module', '-e', `process.env.ENDPOINT_SECRET = '${secret}';${code.replace('4000', String(port))};console.log('listening');`);
    await receiver.wrote('listening');
    await api.post(`/api/v1/endpoints/${endpointId}/test`, {});
    await receiver.wrote('"disconnected_by":');
    expect((await fetch(`http://127.0.0.1:${port}/results`, { method: 'POST', body: '{"forged":true}' })).status).toBe(401);
  });
});
