import type { CodecName } from '@dialfleet/call';
import { type AudioCodec, g722Codec, pcmaCodec, pcmuCodec } from '@dialfleet/media';
import { opusCodec } from './opus-codec.js';

/** Every codec we speak. A file that implements `AudioCodec` and one line here add another. */
export const audioCodecs = { PCMU: pcmuCodec, PCMA: pcmaCodec, G722: g722Codec, opus: opusCodec } satisfies Record<CodecName, AudioCodec>;

export const isCodecName = (name: string): name is CodecName => Object.hasOwn(audioCodecs, name);

/** Where a trunk names no codec that we speak. */
export const DEFAULT_CODECS: readonly CodecName[] = ['PCMU', 'PCMA'];

/** Those of a trunk's codecs that we speak, in its order. */
export function audioCodecsOf(names: readonly string[]): readonly CodecName[] {
  const known = names.filter(isCodecName);
  return known.length > 0 ? known : DEFAULT_CODECS;
}
