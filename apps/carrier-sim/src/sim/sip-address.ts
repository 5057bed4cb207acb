/** Whom a customer calls. */
export interface SipAddress { user: string; host: string; port: number | undefined; transport: 'udp' | 'tcp' | undefined }

/** `sip:+14155550100@127.0.0.1:5060;transport=tcp`, an IPv6 host in brackets. @throws Error that says what is wrong */
export function parseSipAddress(text: string): SipAddress {
  const match = /^sip:([^@\s;<>"]+)@(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?(?:;transport=(udp|tcp))?$/i.exec(text.trim());
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (!match || (port !== undefined && (port < 1 || port > 65_535))) throw new Error(`"${text}" is not a SIP address such as sip:+14155550100@127.0.0.1:5060`);
  return { user: match[1], host: match[2].replace(/^\[|\]$/g, ''), port, transport: match[4]?.toLowerCase() as SipAddress['transport'] };
}
