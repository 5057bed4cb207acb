import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RunFile } from '@dialfleet/launcher';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** One of the platform's programs as an operator runs it: its own process, what it says, and how it ends. */
export class PlatformProcess {
  /** After the last word of it and of all it started, which share its stderr. */
  readonly exit: Promise<number | NodeJS.Signals>;
  /** The process itself is gone, whatever it leaves behind. */
  readonly killed: Promise<NodeJS.Signals | null>;
  /** Lines of stderr so far. */
  readonly said: string[] = [];
  /** Lines of stdout so far. */
  readonly printed: string[] = [];
  private readonly child: ChildProcess;

  private constructor(app: 'launcher' | 'gateway' | 'worker' | 'push', args: string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, ['--no-warnings', join(root, 'apps', app, 'dist', 'main.js'), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const [stream, lines] of [[this.child.stderr, this.said], [this.child.stdout, this.printed]] as const) {
      if (stream) createInterface({ input: stream }).on('line', (line) => { lines.push(line); });
    }
    this.killed = new Promise((resolve) => { this.child.once('exit', (_code, signal) => { resolve(signal); }); });
    this.exit = new Promise((resolve) => { this.child.once('close', (code, signal) => { resolve(signal ?? code ?? -1); }); });
  }

  static launcher(env: NodeJS.ProcessEnv): PlatformProcess { return new PlatformProcess('launcher', ['start'], env); }
  static service(app: 'gateway' | 'worker' | 'push', env: NodeJS.ProcessEnv): PlatformProcess { return new PlatformProcess(app, [], env); }

  kill(signal: NodeJS.Signals): void { this.child.kill(signal); }

  /** What the launcher wrote down once everything was up. @throws Error with its last words when it ends before. */
  async ready(dataDir: string): Promise<RunFile> {
    const ready = new Promise<void>((resolve) => {
      const look = setInterval(() => { if (this.printed.some((line) => line.startsWith('ready '))) { clearInterval(look); resolve(); } }, 50);
      void this.exit.then(() => { clearInterval(look); });
    });
    await Promise.race([ready, this.exit.then((code) => { throw new Error(`the launcher ended (${code}): ${this.said.join('\n')}`); })]);
    return JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')) as RunFile;
  }
}
