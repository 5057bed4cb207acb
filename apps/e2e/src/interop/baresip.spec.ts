import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg } from '@dialfleet/call';
import { buildWav, parseWav, sineWave } from '@dialfleet/media';
import { ExternalProgram, freePort, requireProgram } from '../harness/external-program.js';
import { hearTone, once, startCaller, tonePurityAtBest, type Caller } from './library-caller.js';

/** Whole cycles in 20 ms: a skipped frame does not shift the phase. */
const [THEIR_TONE_HZ, OUR_TONE_HZ] = [600, 450];
const PURE = 0.8;
const MODULE_FOLDERS = ['/usr/lib/baresip/modules', '/usr/lib/x86_64-linux-gnu/baresip/modules', '/usr/lib/aarch64-linux-gnu/baresip/modules', '/usr/local/lib/baresip/modules'];

jest.setTimeout(30_000);

let folder: string;
let caller: Caller;
let baresip: ExternalProgram | undefined;
let sipPort: number;
let controlPort: number;

/** A softphone that answers by itself, speaks a WAV and writes what it hears to another. */
beforeEach(async () => {
  const path = requireProgram('baresip', 'baresip-core');
  const modules = MODULE_FOLDERS.find((candidate) => existsSync(join(candidate, 'aufile.so')));
  if (modules === undefined) throw new Error('baresip has no aufile module: apt-get install baresip-core');
  folder = await mkdtemp(join(tmpdir(), 'dialfleet-baresip-'));
  [sipPort, controlPort] = [await freePort(), await freePort()];
  await writeFile(join(folder, 'tx.wav'), buildWav([sineWave({ frequencyHz: THEIR_TONE_HZ, durationMs: 20_000 })]));
  await writeFile(join(folder, 'accounts'), `<sip:phone@127.0.0.1:${sipPort}>;regint=0;answermode=auto;audio_codecs=PCMA/8000/1,PCMU/8000/1\n`);
  await writeFile(join(folder, 'contacts'), '');
  await writeFile(join(folder, 'config'), [
    'net_interface 127.0.0.1', `sip_listen 127.0.0.1:${sipPort}`, `audio_source aufile,${join(folder, 'tx.wav')}`, 'audio_player aubridge,sink', 'audio_alert aubridge,alert',
    'ausrc_srate 8000', 'auplay_srate 8000', 'ausrc_channels 1', 'auplay_channels 1', `ctrl_tcp_listen 127.0.0.1:${controlPort}`, `snd_path ${folder}`,
    `module_path ${modules}`, 'module aufile.so', 'module aubridge.so', 'module sndfile.so', 'module g711.so', 'module_tmp account.so', 'module_app menu.so', 'module_app ctrl_tcp.so', '',
  ].join('\n'));
  baresip = new ExternalProgram(path, ['-f', folder, '-4'], folder);
  caller = await startCaller('udp');
  await Promise.race([listening(), baresip.exited.then(() => { throw new Error(`baresip did not start: ${baresip?.output}`); })]);
});
afterEach(async () => {
  await caller?.stop();
  await baresip?.stop();
  if (folder) await rm(folder, { recursive: true });
});

async function listening(): Promise<void> {
  if (baresip?.ended) return;
  if (await command('reginfo').then(() => true, () => false)) return;
  await new Promise((resolve) => { setTimeout(resolve, 100); });
  await listening();
}

/** A netstring with JSON in, one out (baresip's ctrl_tcp module). */
function command(name: string, params = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const json = JSON.stringify({ command: name, params });
    const socket = connect(controlPort, '127.0.0.1', () => { socket.write(`${json.length}:${json},`); });
    socket.on('data', (data) => { socket.destroy(); resolve(data.toString()); });
    socket.on('error', reject);
  });
}

describe('baresip', () => {
  it('answers with a WAV, hears us, takes DTMF, and hangs up', async () => {
    const leg = caller.sip.createCall({ trunk: { host: '127.0.0.1', port: sipPort, transport: 'udp', codecs: ['PCMA', 'PCMU'] }, dialUser: 'phone', fromNumber: '+14155550100' });
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    leg.audioOut.play('tone', sineWave({ frequencyHz: OUR_TONE_HZ, durationMs: 1_500 }));
    leg.audioOut.endOf('tone');
    const played = once(leg, 'played');
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    await played;
    await leg.sendDtmf('5#');
    await baresip?.wrote("received event: '5' (end=1)");
    await baresip?.wrote("received event: '#' (end=1)");
    const hungUp = once(leg, 'hungUp');
    await command('hangup');
    await hungUp;
    expect((await leg.close()).packetsReceived).toBeGreaterThan(40);
    expect(caller.sip.stats()).toMatchObject({ legs: 0, dialogs: 0 });
    await baresip?.stop();
    const dump = (await readdir(folder)).find((name) => name.startsWith('dump-') && name.endsWith('-dec.wav')) ?? 'dump of what baresip decoded';
    const heard = parseWav(await readFile(join(folder, dump)));
    expect(tonePurityAtBest(heard.channels[0], OUR_TONE_HZ)).toBeGreaterThan(PURE);
  });

  it('calls us', async () => {
    const taken = new Promise<CallLeg>((resolve) => {
      caller.sip.onInvite(async (call) => {
        resolve(call.leg);
        await call.answer();
      });
    });
    await command('dial', `sip:bot@127.0.0.1:${caller.sip.port}`);
    const leg = await taken;
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    const hungUp = once(leg, 'hungUp');
    await command('hangup');
    await hungUp;
    await leg.close();
  });
});
