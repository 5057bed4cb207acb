/** Telephone audio inside the product: 16 bit linear PCM, mono. One frame is one RTP packetisation interval (ptime). */
export const SAMPLE_RATE_HZ = 8000;
export const FRAME_MS = 20;
export const FRAME_SAMPLES = 160;
export const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;
