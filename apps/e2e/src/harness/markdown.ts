const BLOCK = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** The contents of fenced blocks of a language, in order. */
export const codeBlocks = (markdown: string, language: string): string[] =>
  [...markdown.matchAll(BLOCK)].filter((match) => match[1] === language).map((match) => match[2]);

const withoutCode = (markdown: string): string => markdown.replace(BLOCK, '').replace(/`[^`\n]*`/g, '');

/** Targets of links that stay in the repository. */
export const relativeLinks = (markdown: string): string[] =>
  [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]).filter((target) => !/^[a-z]+:/.test(target));

/** Anchors of headings, as code hosts make them. */
export const headings = (markdown: string): string[] =>
  [...markdown.replace(BLOCK, '').matchAll(/^#+ (.*)$/gm)].map((match) => match[1].toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'));

/** The cells of the table with this header line. */
export function tableAfter(markdown: string, header: string): string[][] {
  const lines = markdown.split('\n');
  const begin = lines.indexOf(header) + 2;
  const end = lines.findIndex((line, i) => i >= begin && !line.startsWith('|'));
  return lines.slice(begin, end).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}
