import { SAMPLE_RATE_HZ } from './frame.js';

export const WAV_HEADER_BYTES = 44;

export interface WavFormat { channels: number; sampleRateHz: number }

/** 16 bit PCM audio, one array a channel, all of one length. */
export interface WavAudio { sampleRateHz: number; channels: Int16Array[] }

/** The bytes are not a WAV file that we can read. */
export class WavError extends Error {
  override readonly name = 'WavError';
}

const MAX_DATA_BYTES = 0xffffffff - 36;
const FORMAT_PCM = 1;
const FORMAT_EXTENSIBLE = 0xfffe;
const BYTES_PER_SAMPLE = 2;

/**
 * The canonical 44 byte header of a 16 bit PCM file. Written again over the first bytes each time the file has grown,
 * it keeps an unfinished recording playable.
 */
export function wavHeader({ channels, sampleRateHz }: WavFormat, dataBytes: number): Uint8Array {
  const header = new Uint8Array(WAV_HEADER_BYTES);
  const view = new DataView(header.buffer);
  const size = Math.min(dataBytes, MAX_DATA_BYTES);
  const text = (at: number, value: string): void => { for (let i = 0; i < 4; i++) header[at + i] = value.charCodeAt(i); };
  text(0, 'RIFF');
  view.setUint32(4, 36 + size, true);
  text(8, 'WAVE');
  text(12, 'fmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, sampleRateHz * channels * BYTES_PER_SAMPLE, true);
  view.setUint16(32, channels * BYTES_PER_SAMPLE, true);
  view.setUint16(34, 8 * BYTES_PER_SAMPLE, true);
  text(36, 'data');
  view.setUint32(40, size, true);
  return header;
}

/** Samples as they stand in a WAV file: little-endian, channels interleaved. */
export function interleave(left: Int16Array, right: Int16Array): Uint8Array {
  const bytes = new Uint8Array(left.length * 2 * BYTES_PER_SAMPLE);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < left.length; i++) {
    view.setInt16(4 * i, left[i], true);
    view.setInt16(4 * i + 2, right[i], true);
  }
  return bytes;
}

/** A whole mono or stereo file. Channels of a stereo file must be equally long. */
export function buildWav(channels: readonly [Int16Array] | readonly [Int16Array, Int16Array], sampleRateHz = SAMPLE_RATE_HZ): Uint8Array {
  const [left, right] = channels;
  const data = right ? interleave(left, right) : littleEndianBytes(left);
  const file = new Uint8Array(WAV_HEADER_BYTES + data.length);
  file.set(wavHeader({ channels: channels.length, sampleRateHz }, data.length));
  file.set(data, WAV_HEADER_BYTES);
  return file;
}

function littleEndianBytes(pcm: Int16Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(pcm.length * BYTES_PER_SAMPLE));
  pcm.forEach((sample, i) => view.setInt16(2 * i, sample, true));
  return new Uint8Array(view.buffer);
}

/**
 * Reads a 16 bit PCM file, whatever other chunks it holds. A data chunk that claims more than there is (a recording
 * that was cut off) yields what there is.
 * @throws WavError for anything else.
 */
export function parseWav(bytes: Uint8Array): WavAudio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || chunkId(view, 0) !== 'RIFF' || chunkId(view, 8) !== 'WAVE') throw new WavError('not a RIFF/WAVE file');
  let format: WavFormat | null = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const id = chunkId(view, at);
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    if (id === 'fmt ') format = readFormat(view, body, size);
    if (id === 'data') {
      if (!format) throw new WavError('the data chunk stands before the format');
      return { sampleRateHz: format.sampleRateHz, channels: deinterleave(view, body, Math.min(size, bytes.length - body), format.channels) };
    }
    at = body + size + (size & 1);
  }
  throw new WavError('no data chunk');
}

const chunkId = (view: DataView, at: number): string => String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));

function readFormat(view: DataView, at: number, size: number): WavFormat {
  if (size < 16 || at + 16 > view.byteLength) throw new WavError('the format chunk is cut off');
  const tag = view.getUint16(at, true);
  const subFormat = tag === FORMAT_EXTENSIBLE && size >= 26 && at + 26 <= view.byteLength ? view.getUint16(at + 24, true) : tag;
  const channels = view.getUint16(at + 2, true);
  if (subFormat !== FORMAT_PCM || view.getUint16(at + 14, true) !== 16) throw new WavError('only 16 bit PCM is supported');
  if (channels === 0) throw new WavError('no channels');
  return { channels, sampleRateHz: view.getUint32(at + 4, true) };
}

function deinterleave(view: DataView, at: number, dataBytes: number, channels: number): Int16Array[] {
  const length = Math.floor(dataBytes / (channels * BYTES_PER_SAMPLE));
  return Array.from({ length: channels }, (_, channel) =>
    Int16Array.from({ length }, (_sample, i) => view.getInt16(at + (i * channels + channel) * BYTES_PER_SAMPLE, true)));
}
