/** As many and as much as a dialout may bring. */
const MAX_FIELDS = 64;
const MAX_BYTES = 16_384;
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/**
 * What the INVITE's header fields say, as call variables: `X-Customer-Id` becomes `x_customer_id`. Values lose control
 * characters; what is over the bounds is left out.
 */
export function inboundVariables(headers: Readonly<Record<string, string>>): Record<string, string> {
  const variables: Record<string, string> = {};
  let bytes = 2;
  for (const [name, raw] of Object.entries(headers).slice(0, MAX_FIELDS)) {
    if (!NAME.test(name)) continue;
    const value = raw.replace(/[\x00-\x1f\x7f]+/g, ' ').trim();
    const key = name.replaceAll('-', '_');
    bytes += Buffer.byteLength(JSON.stringify([key, value]));
    if (bytes <= MAX_BYTES) variables[key] = value;
  }
  return variables;
}
