import type { CodecName } from '@dialfleet/call';
import { type AudioCodec, pcmaCodec, pcmuCodec } from '@dialfleet/media';

/** Every codec we speak. One line here and one file that implements `AudioCodec` add another. */
export const audioCodecs = { PCMU: pcmuCodec, PCMA: pcmaCodec } satisfies Partial<Record<CodecName, AudioCodec>>;
