import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { pause } from './test-fleet.js';

const ATTACH_LIMIT_MS = 10_000;

type Message = { id?: number; method?: string; params?: Record<string, unknown> };

/**
 * Throws inside a worker thread of a running process, by the debugger that Node opens on SIGUSR1: the program under test
 * needs no door of its own. `logFile` holds the process's stderr; it must run with `--inspect-port=0`.
 */
export async function killThread(pid: number, threadName: string, logFile: string): Promise<void> {
  await withDebugger(pid, logFile, (socket) => throwInThread(socket, threadName));
}

/** The main thread throws, uncaught, in the handler of the next datagram that begins with `start`. Needs what `killThread` needs. */
export async function throwAtDatagram(pid: number, start: string, logFile: string): Promise<void> {
  const expression = `{
    const { Socket } = process.getBuiltinModule('node:dgram');
    const { emit } = Socket.prototype;
    Socket.prototype.emit = function (event, ...rest) {
      const emitted = emit.call(this, event, ...rest);
      if (event !== 'message' || !String(rest[0]).startsWith(${JSON.stringify(start)})) return emitted;
      Socket.prototype.emit = emit;
      throw new Error('a fault in a SIP handler, by a test');
    };
  } 0`;
  await withDebugger(pid, logFile, async (socket) => {
    const answered = new Promise<string>((resolve, reject) => { socket.on('message', (data: Buffer) => { resolve(data.toString()); }); socket.once('close', () => { reject(new Error('the debugger closed')); }); });
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
    const answer = await answered;
    if (answer.includes('exceptionDetails')) throw new Error(`the fault could not be placed: ${answer}`);
  });
}

async function withDebugger(pid: number, logFile: string, act: (socket: WebSocket) => Promise<void>): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await debuggerAddress(logFile));
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
  try { await act(socket); } finally { socket.terminate(); }
}

async function debuggerAddress(logFile: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const address = [...(await readFile(logFile, 'utf8')).matchAll(/Debugger listening on (ws:\S+)/g)].at(-1)?.[1];
    if (address) return address;
    await pause(100);
  }
  throw new Error(`no debugger address in ${logFile}`);
}

function throwInThread(socket: WebSocket, threadName: string): Promise<void> {
  const fault = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'setTimeout(() => { throw new Error("killed by a test"); }); 0' } });
  return new Promise((resolve, reject) => {
    const threads: string[] = [];
    const timer = setTimeout(() => { reject(new Error(`no thread ${threadName} among: ${threads.join(', ')}`)); }, ATTACH_LIMIT_MS);
    const send = (message: Message): void => { socket.send(JSON.stringify(message)); };
    socket.on('message', (data: Buffer) => {
      const { method, params } = JSON.parse(data.toString()) as Message;
      if (method === 'NodeWorker.attachedToWorker') {
        const { title } = params?.['workerInfo'] as { title: string };
        threads.push(title);
        if (title.includes(threadName)) send({ id: 2, method: 'NodeWorker.sendMessageToWorker', params: { sessionId: params?.['sessionId'], message: fault } });
      } else if (method === 'NodeWorker.receivedMessageFromWorker') { clearTimeout(timer); resolve(); }
    });
    socket.once('close', () => { clearTimeout(timer); reject(new Error('the debugger closed')); });
    send({ id: 1, method: 'NodeWorker.enable', params: { waitForDebuggerOnStart: false } as Record<string, unknown> });
  });
}
