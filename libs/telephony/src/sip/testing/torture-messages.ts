import { readFileSync } from 'node:fs';

export interface TortureMessage { name: string; section: string; bytes: Buffer }

/** The messages of `rfc4475.txt` or `rfc5118.txt`, their markup expanded. */
export function tortureMessages(rfc: 4475 | 5118): TortureMessage[] {
  const text = readFileSync(new URL(`./torture/rfc${rfc}.txt`, import.meta.url), 'utf8');
  return text.split(/^=== /m).slice(1).map((part) => {
    const [title, ...lines] = part.split('\n');
    const [name, section] = title.split(' ');
    return { name, section, bytes: expand(lines.join('\n')) };
  });
}

/** RFC 4475 §2.1 to 2.3. One character is one byte from here on. */
function expand(text: string): Buffer {
  const joined = text.replace(/<allOneLine>\n([\s\S]*?)\n<\/allOneLine>/g, (_all, lines: string) => lines.replaceAll('\n', ''));
  const repeated = joined.replace(/<repeat count=(\d+)>(.*?)<\/repeat>/g, (_all, count: string, what: string) => what.repeat(Number(count)));
  const crlf = repeated.replaceAll('\n', '\r\n');
  return Buffer.from(crlf.replace(/<hex>([\s0-9A-F]*)<\/hex>/g, (_all, hex: string) => Buffer.from(hex.replace(/\s/g, ''), 'hex').toString('latin1')), 'latin1');
}
