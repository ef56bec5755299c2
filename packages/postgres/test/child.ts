/** Child processes of the tests, line by line. @module */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type Child = {
  /** All lines so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line, past or to come, that begins so. Rejects if the process ends before. */
  line(start: string): Promise<string>;
  say(line: string): void;
  kill(): void;
  /** The exit code; null if it was killed. */
  readonly ended: Promise<number | null>;
};

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export function startChild(file: URL, args: readonly string[], onLine: (line: string) => void = () => undefined): Child {
  const path = fileURLToPath(file);
  const child = spawn(process.execPath, ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.add(child);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((look) => look());
  let isOver = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    onLine(line);
    wake();
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      isOver = true;
      running.delete(child);
      wake();
      resolve(code);
    });
  });
  const line = (start: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find((each) => each.startsWith(start));
        if (found === undefined && !isOver) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`the child ended without saying "${start}"`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { lines, line, say: (text) => void child.stdin.write(`${text}\n`), kill: () => void child.kill('SIGKILL'), ended };
}
