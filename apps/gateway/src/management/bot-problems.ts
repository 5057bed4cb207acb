import { validateScript } from '@dialfleet/bot';
import { botSettings, type BotConfig, type BotRequest, type FieldProblem } from '@dialfleet/contracts';
import { missingLanguage, validateProviderChoice } from '@dialfleet/providers';

/** Rules of a bot that span several fields. */
export function botProblems(request: BotRequest): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!request.opening_message?.trim() && !request.system_prompt?.trim()) problems.push({ path: 'opening_message', message: 'is required where there is no system_prompt' });
  if (request.voicemail?.action === 'leave_message' && !request.voicemail.message?.trim()) problems.push({ path: 'voicemail.message', message: 'is required to leave a message' });
  const script = request.script === undefined ? undefined : validateScript(request.script);
  if (script?.ok === false) problems.push(...script.errors.map(({ path, message }) => ({ path: wirePath(path), message })));
  return [...problems, ...providerProblems(request)];
}

const providerKinds = ['llm', 'stt', 'tts'] as const;

/** Vendors that are not there, options they do not take, a language they do not have. */
function providerProblems(request: BotRequest): FieldProblem[] {
  const settings = botSettings(request as BotConfig);
  const problems = providerKinds.flatMap((kind) => validateProviderChoice(kind, settings[kind]).map((problem) => {
    const [path, message] = problem.split(/: (.*)/s, 2);
    return { path: `${kind}.${path}`, message };
  }));
  const kind = providerKinds.find((each) => missingLanguage(each, settings[each], settings.language));
  if (!kind) return problems;
  const languages = missingLanguage(kind, settings[kind], settings.language) ?? [];
  return [...problems, { path: 'language', message: `must be one of ${languages.join(', ')} with the ${kind} provider ${settings[kind].provider}` }];
}

/** `steps[0].next` as every path of a 422 is written: `script.steps.0.next`. */
const wirePath = (path: string): string => ['script', path.replace(/\[(\d+)\]/g, '.$1')].filter(Boolean).join('.');
