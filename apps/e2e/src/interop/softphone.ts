import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buildWav, parseWav, resample, SAMPLE_RATE_HZ, sineWave } from '@dialfleet/media';
import { ExternalProgram, freePort, requireProgram } from '../harness/external-program.js';

const MODULE_FOLDERS = ['/usr/lib/baresip/modules', '/usr/lib/x86_64-linux-gnu/baresip/modules', '/usr/lib/aarch64-linux-gnu/baresip/modules', '/usr/local/lib/baresip/modules'];

export interface SoftphoneOptions {
  /** Where its files go. */
  folder: string;
  /** What it says: a tone, for 20 s. */
  toneHz: number;
  /** As in baresip's `audio_codecs`: `PCMA/8000/1,PCMU/8000/1`. */
  codecs?: string;
  /** Modules that bring those codecs. */
  codecModules?: readonly string[];
  /** `srtp`: offered beside plain RTP; `srtp-mand`: nothing else will do. */
  mediaEncryption?: 'srtp' | 'srtp-mand';
  /** Further parameters of the account, such as `;extra=…`. */
  account?: string;
}

/** A baresip that answers by itself, speaks a tone and writes what it hears to a file. Everything on 127.0.0.1. */
export class Softphone {
  private constructor(private readonly program: ExternalProgram, private readonly folder: string, readonly port: number, private readonly controlPort: number) {}

  static async start(options: SoftphoneOptions): Promise<Softphone> {
    const path = requireProgram('baresip', 'baresip-core');
    const modules = MODULE_FOLDERS.find((candidate) => existsSync(join(candidate, 'aufile.so')));
    if (modules === undefined) throw new Error('baresip has no aufile module: apt-get install baresip-core');
    const { folder, toneHz, codecs = 'PCMA/8000/1,PCMU/8000/1', codecModules = ['g711'], mediaEncryption, account = '' } = options;
    const [port, controlPort] = [await freePort(), await freePort()];
    await writeFile(join(folder, 'tx.wav'), buildWav([sineWave({ frequencyHz: toneHz, durationMs: 20_000 })]));
    const encryption = mediaEncryption === undefined ? '' : `;mediaenc=${mediaEncryption}`;
    await writeFile(join(folder, 'accounts'), `<sip:phone@127.0.0.1:${port}>;regint=0;answermode=auto;audio_codecs=${codecs}${encryption}${account}\n`);
    await writeFile(join(folder, 'contacts'), '');
    await writeFile(join(folder, 'config'), [
      'net_interface 127.0.0.1', `sip_listen 127.0.0.1:${port}`, `audio_source aufile,${join(folder, 'tx.wav')}`, 'audio_player aubridge,sink', 'audio_alert aubridge,alert',
      'ausrc_srate 8000', 'auplay_srate 8000', 'ausrc_channels 1', 'auplay_channels 1', `ctrl_tcp_listen 127.0.0.1:${controlPort}`, `snd_path ${folder}`, `module_path ${modules}`,
      ...['aufile', 'aubridge', 'sndfile', ...codecModules, ...(mediaEncryption === undefined ? [] : ['srtp'])].map((name) => `module ${name}.so`),
      'module_tmp account.so', 'module_app menu.so', 'module_app ctrl_tcp.so', '',
    ].join('\n'));
    const program = new ExternalProgram(path, ['-f', folder, '-4'], folder);
    const phone = new Softphone(program, folder, port, controlPort);
    await Promise.race([phone.listening(), program.exited.then(() => { throw new Error(`baresip did not start: ${program.output}`); })]);
    return phone;
  }

  /** Resolves when its log has `text`. */
  wrote(text: string): Promise<void> { return this.program.wrote(text); }

  /** One of its commands (ctrl_tcp module: a netstring with JSON in, one out): `hangup`, `dial`, `hold`, `resume`, `transfer`, `sndcode`, … */
  command(name: string, params = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const json = JSON.stringify({ command: name, params });
      const socket = connect(this.controlPort, '127.0.0.1', () => { socket.write(`${json.length}:${json},`); });
      socket.on('data', (data) => { socket.destroy(); resolve(data.toString()); });
      socket.on('error', reject);
    });
  }

  get output(): string { return this.program.output; }

  stop(): Promise<void> { return this.program.stop(); }

  /** What it decoded of our voice, after `stop()`: 8 kHz, whatever the codec. */
  async heard(): Promise<Int16Array> {
    const dump = (await readdir(this.folder)).find((name) => name.startsWith('dump-') && name.endsWith('-dec.wav')) ?? 'dump of what baresip decoded';
    const { sampleRateHz, channels } = parseWav(await readFile(join(this.folder, dump)));
    return resample(channels[0], sampleRateHz, SAMPLE_RATE_HZ);
  }

  private async listening(): Promise<void> {
    while (!this.program.ended && !(await this.command('reginfo').then(() => true, () => false))) await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}
