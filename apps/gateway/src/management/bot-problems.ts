import { validateScript } from '@dialfleet/bot';
import type { BotRequest, FieldProblem } from '@dialfleet/contracts';

/** Rules of a bot that span several fields. */
export function botProblems(request: BotRequest): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!request.opening_message?.trim() && !request.system_prompt?.trim()) problems.push({ path: 'opening_message', message: 'is required where there is no system_prompt' });
  if (request.voicemail?.action === 'leave_message' && !request.voicemail.message?.trim()) problems.push({ path: 'voicemail.message', message: 'is required to leave a message' });
  const script = request.script === undefined ? undefined : validateScript(request.script);
  if (script?.ok === false) problems.push(...script.errors.map(({ path, message }) => ({ path: wirePath(path), message })));
  return problems;
}

/** `steps[0].next` as every path of a 422 is written: `script.steps.0.next`. */
const wirePath = (path: string): string => ['script', path.replace(/\[(\d+)\]/g, '.$1')].filter(Boolean).join('.');
