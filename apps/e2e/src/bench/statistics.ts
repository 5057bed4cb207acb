/** The value below which the share `p` (0..1) of the values lies, by nearest rank; NaN for none. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)];
}

export const median = (values: readonly number[]): number => {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** The field-wise median of several runs of one measurement. */
export function medianRun<Run extends Record<string, number>>(runs: readonly Run[]): Run {
  const fields = Object.keys(runs[0]) as (keyof Run)[];
  return Object.fromEntries(fields.map((field) => [field, median(runs.map((run) => run[field]))])) as Run;
}
