export interface Row {
  what: string;
  result: string;
  /** Beside it: what makes the result comparable or complete. */
  beside: string;
  /** How it was measured, in a few words. */
  how: string;
}

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

/** A Markdown table under one line that names the machine. */
export function renderReport(rows: readonly Row[], machine: string): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [
    machine, '', line(['what', 'result', 'beside it', 'how']), '|---|---|---|---|',
    ...rows.map((row) => line([row.what, row.result, row.beside, row.how])),
  ].join('\n');
}

/** `document` with the report between its markers replaced. @throws Error when it has no markers. */
export function replaceReport(document: string, report: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the document has no ${BEGIN} … ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n${report}\n${document.slice(end)}`;
}

/** 1234.5 → "1,235"; small numbers keep two significant digits. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 10 || value === 0 ? 0 : Math.abs(value) >= 1 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
