import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import tokenizer from 'llama-tokenizer-js';
import type { MoonshineModel } from './speech-runtime.js';

/** Ids 0–2 are unknown, begin and end of text. */
const SPECIAL_TOKENS = 3;

export interface MoonshineFiles { encoder: string; decoder: string }

export function moonshineFiles(model: MoonshineModel): MoonshineFiles {
  const folder = new URL(`./model/${model}/quantized/`, import.meta.resolve('@usefulsensors/moonshine-js'));
  const file = (name: string): string => fileURLToPath(new URL(name, folder));
  return { encoder: file('encoder_model.onnx'), decoder: file('decoder_model_merged.onnx') };
}

/**
 * Moonshine's vocabulary as sherpa-onnx reads it, from the tokenizer whose vocabulary it shares (Llama's): a line a
 * token, base64 of its bytes, then its id.
 */
function tokensText(): string {
  return tokenizer.vocabById.map((token, id) => {
    const byte = /^<0x([0-9A-F]{2})>$/.exec(token);
    const bytes = id < SPECIAL_TOKENS ? Buffer.alloc(0) : byte ? Buffer.from(byte[1], 'hex') : Buffer.from(token.replaceAll('▁', ' '));
    return `${bytes.toString('base64')} ${id}\n`;
  }).join('');
}

/** Runs `use` with the path of a token file in a private folder that is gone afterwards (models read it once, at load). */
export async function withTokensFile<T>(use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'dialfleet-tokens-'));
  try {
    const path = join(folder, 'tokens.txt');
    await writeFile(path, tokensText());
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
