import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CORE_OF_OTHERS } from './machine.js';
import type { Undo } from './undo.js';

/**
 * A helper in a process of its own, on a core of its own, so that it takes no time from what is measured. It answers one
 * question at a time and ends with us.
 */
export class HelperProcess<Question, Answer> {
  private constructor(private readonly child: ChildProcess, readonly pid: number) {}

  /** `script`: beside this file. Resolves with the helper's first words. */
  static async start<Question, Answer, Greeting = unknown>(
    script: string, undo: Undo, { core = CORE_OF_OTHERS, args = [] as string[] } = {},
  ): Promise<{ helper: HelperProcess<Question, Answer>; greeting: Greeting }> {
    const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
      execPath: 'taskset', execArgv: ['-c', String(core), process.execPath, '--no-warnings'], stdio: ['ignore', 2, 2, 'ipc'],
    });
    undo.add(() => stopChild(child));
    const helper = new HelperProcess<Question, Answer>(child, child.pid ?? 0);
    return { helper, greeting: await helper.next<Greeting>(script) };
  }

  ask(question: Question): Promise<Answer> {
    const answer = this.next<Answer>('a helper of the bench');
    this.child.send(question as object);
    return answer;
  }

  private next<Message>(name: string): Promise<Message> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => { reject(new Error(`${name} ended (${code ?? 'killed'})`)); };
      this.child.once('exit', onExit);
      this.child.once('message', (message) => { this.child.off('exit', onExit); resolve(message as Message); });
    });
  }
}

/** SIGTERM, and SIGKILL for who does not listen. */
export async function stopChild(child: ChildProcess, graceMs = 5000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => { child.kill('SIGKILL'); }, graceMs);
  await exited;
  clearTimeout(timer);
}

/** Waits for a line of a child's output, then reads on without looking. @throws Error when the child ends first. */
export function lineMatching(child: ChildProcess, pattern: RegExp, name: string): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error(`the output of ${name} is not piped`);
    child.once('close', (code) => { reject(new Error(`${name} ended before it was ready (${code ?? 'killed'})`)); });
    child.once('error', reject);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = pattern.exec(line);
      if (match) resolve(match);
    });
  });
}

/** For the helper's side: `serve` greets, then answers; ends when the bench does. */
export function serve<Question, Answer>(greeting: unknown, answer: (question: Question) => Promise<Answer>): void {
  process.once('disconnect', () => process.exit(0));
  process.on('message', (question) => {
    answer(question as Question).then((reply) => process.send?.(reply as object), (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    });
  });
  process.send?.(greeting as object);
}
