/** What a service tells on stdout, once, as one line of JSON: that it can do its work, or why it cannot start. */
export type ServiceLine = { ready: true; url?: string } | { ready: false; reason: string };

export const serviceLine = (line: ServiceLine): string => `${JSON.stringify(line)}\n`;

/** Undefined for any other line. */
export function parseServiceLine(text: string): ServiceLine | undefined {
  try {
    const value = JSON.parse(text) as Partial<ServiceLine> | null;
    return typeof value?.ready === 'boolean' ? value as ServiceLine : undefined;
  } catch { return undefined; }
}
