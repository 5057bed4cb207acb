import { SCRIPT_END, type BotScript, type ScriptStep } from './script.js';

/** `path` as in `steps[2].expect[0].next`; '' is the script itself. */
export interface ScriptError { path: string; message: string }

interface Target { path: string; name: string }

/** Errors in how a well-formed script hangs together. */
export function brokenFlow(script: BotScript): ScriptError[] {
  const errors = [...duplicates(script), ...unknownTargets(script)];
  return errors.length > 0 ? errors : [...unreachable(script), ...endlessStatements(script)];
}

function duplicates({ steps }: BotScript): ScriptError[] {
  return steps.flatMap((step, i) => {
    const first = steps.findIndex((other) => other.name === step.name);
    return first === i ? [] : [{ path: `steps[${i}].name`, message: `"${step.name}" is already the name of steps[${first}]` }];
  });
}

function unknownTargets(script: BotScript): ScriptError[] {
  const known = new Set([SCRIPT_END, ...script.steps.map((step) => step.name)]);
  const targets = [...(script.start === undefined ? [] : [{ path: 'start', name: script.start }]), ...globalTargets(script), ...script.steps.flatMap(stepTargets)];
  return targets.filter(({ name, path }) => !known.has(name) || (path === 'start' && name === SCRIPT_END))
    .map(({ path, name }) => ({ path, message: `there is no step "${name}"` }));
}

const globalTargets = (script: BotScript): Target[] =>
  Object.entries(script.global ?? {}).flatMap(([intent, reply]) => (reply?.next === undefined ? [] : [{ path: `global.${intent}.next`, name: reply.next }]));

function stepTargets(step: ScriptStep, index: number): Target[] {
  const path = `steps[${index}]`;
  return [
    ...(step.next === undefined ? [] : [{ path: `${path}.next`, name: step.next }]),
    ...(step.otherwise === undefined ? [] : [{ path: `${path}.otherwise`, name: step.otherwise }]),
    ...(step.expect ?? []).map((expectation, i) => ({ path: `${path}.expect[${i}].next`, name: expectation.next })),
  ];
}

function unreachable(script: BotScript): ScriptError[] {
  const reached = new Set<string>();
  const open = [script.start ?? script.steps[0].name, ...globalTargets(script).map((target) => target.name)];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const step = script.steps.find((candidate) => candidate.name === name);
    if (!step || reached.has(name)) continue;
    reached.add(name);
    open.push(...stepTargets(step, 0).map((target) => target.name));
  }
  return script.steps.flatMap((step, i) => (reached.has(step.name) ? [] : [{ path: `steps[${i}]`, message: `no path leads to "${step.name}"` }]));
}

/** Statements that lead to each other and never let the customer speak. */
function endlessStatements({ steps }: BotScript): ScriptError[] {
  const next = new Map(steps.flatMap((step) => (step.expect ? [] : [[step.name, step.next ?? SCRIPT_END] as const])));
  return steps.flatMap((step, i) => {
    const path = [step.name];
    for (let name = next.get(step.name); name !== undefined && name !== step.name && !path.includes(name); name = next.get(name)) path.push(name);
    const loops = next.get(path.at(-1) ?? '') === step.name;
    return loops ? [{ path: `steps[${i}].next`, message: `${[...path, step.name].join(' → ')} never lets the customer speak` }] : [];
  });
}
