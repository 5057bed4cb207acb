export interface BodyPart { contentType: string; content: string }

/** RFC 2046 §5.1.1. */
const BOUNDARY = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const MAX_PARTS = 16;

/** The parts of a `multipart/*` body; empty: it is none, or cannot be read. A last boundary that is missing is forgiven. */
export function bodyParts(contentType: string, body: string): BodyPart[] {
  const [, quoted, bare] = /^\s*multipart\//i.test(contentType) ? BOUNDARY.exec(contentType) ?? [] : [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) return [];
  const [, ...rest] = `\n${body}`.split(`\n--${boundary}`);
  const end = rest.findIndex((text) => text.startsWith('--'));
  return (end < 0 ? rest : rest.slice(0, end)).slice(0, MAX_PARTS).flatMap((text) => partOf(text) ?? []);
}

/** What follows a boundary: the rest of its line, headers, an empty line, the content; the line end before the next boundary belongs to that. */
function partOf(text: string): BodyPart | undefined {
  const [, headers, content] = /^[ \t]*\r?\n((?:[^\r\n]+\r?\n)*)\r?\n([\s\S]*)$/.exec(text) ?? [];
  if (headers === undefined) return undefined;
  const type = /^content-type\s*:\s*(.*)$/im.exec(headers)?.[1].trim() ?? 'text/plain';
  return { contentType: type, content: content.endsWith('\r') ? content.slice(0, -1) : content };
}
