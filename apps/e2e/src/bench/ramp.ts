import { medianRun } from './statistics.js';

export interface Ramp<Run extends Record<string, number>> {
  /** Loads to try, growing. */
  steps: readonly number[];
  run(load: number): Promise<Run>;
  holds(run: Run): boolean;
  /** How many runs of the highest load that holds, for its median. */
  repeats: number;
}

export interface RampResult<Run> {
  /** The median at the highest load that holds; null when not even the first step does. */
  best: { load: number; run: Run } | null;
  /** The lowest load that does not hold, with its median where it was repeated; null when all do. */
  beyond: { load: number; run: Run } | null;
  /** The first run of every load tried. */
  tried: { load: number; run: Run }[];
}

/** Raises the load until it no longer holds, then settles on the highest load whose median run does. */
export async function climb<Run extends Record<string, number>>({ steps, run, holds, repeats }: Ramp<Run>): Promise<RampResult<Run>> {
  const tried: { load: number; run: Run }[] = [];
  for (const load of steps) {
    const first = await run(load);
    tried.push({ load, run: first });
    if (!holds(first)) break;
  }
  let beyond = tried.find((step) => !holds(step.run)) ?? null;
  for (const { load, run: first } of tried.filter((step) => holds(step.run)).reverse()) {
    const runs = [first];
    while (runs.length < repeats) runs.push(await run(load));
    const middle = medianRun(runs);
    if (holds(middle)) return { best: { load, run: middle }, beyond, tried };
    beyond = { load, run: middle };
  }
  return { best: null, beyond, tried };
}
