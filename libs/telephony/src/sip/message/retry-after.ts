interface Headers { getHeader(name: string): string | undefined }

/** Nobody is passed over for longer on one word of its own. */
const MAX_MS = 300_000;

/** `Retry-After: 120 (maintenance);duration=60` → 120,000 ms (RFC 3261 §20.33); undefined when there is none. */
export function retryAfterMs(response: Headers): number | undefined {
  const seconds = /^\s*(\d{1,9})(?=[\s(;]|$)/.exec(response.getHeader('retry-after') ?? '')?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds) * 1_000, MAX_MS);
}
