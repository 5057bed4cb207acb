import type { CodecName } from '@dialfleet/call';
import { type AudioCodec, g722Codec, pcmaCodec, pcmuCodec } from '@dialfleet/media';
import { opusCodec } from './opus-codec.js';

/** Every codec we speak. A file that implements `AudioCodec` and one line here add another. */
export const audioCodecs = { PCMU: pcmuCodec, PCMA: pcmaCodec, G722: g722Codec, opus: opusCodec } satisfies Record<CodecName, AudioCodec>;
