/** `+14155550123` → `+1415•••0123`-like: enough to recognise a call in a log, not enough to dial it. */
export function maskNumber(number: string): string {
  if (number.length <= 4) return '•'.repeat(number.length);
  const head = number.slice(0, Math.min(4, number.length - 4));
  return `${head}${'•'.repeat(Math.max(1, number.length - head.length - 2))}${number.slice(-2)}`;
}
