/** Runs a command of this repository and keeps what it prints until it is wanted. @module */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { repositoryRoot } from './repository-root.ts';

export type Run = { readonly ok: boolean; readonly output: string; readonly seconds: number };
export type RunOptions = { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly echo?: boolean };

/** Resolves when the command ended, whatever its exit code: `ok` says whether that was 0. Standard input is closed. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const started = performance.now();
  const env = { ...process.env, PATH: `${join(repositoryRoot, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`, ...options.env };
  const child = spawn(command, args, { cwd: options.cwd ?? repositoryRoot, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (options.echo === true) process.stdout.write(chunk);
    });
  }
  return new Promise((resolve) => {
    const end = (ok: boolean, reason = '') =>
      resolve({ ok, output: Buffer.concat(chunks).toString('utf8') + reason, seconds: (performance.now() - started) / 1000 });
    child.on('error', (error) => end(false, error.message));
    child.on('close', (code) => end(code === 0));
  });
}

/** As `run`, but a command that fails ends the script with its output. */
export async function must(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { ok, output } = await run(command, args, options);
  if (!ok) throw new Error(`${command} ${args.join(' ')} failed\n${output}`);
  return output;
}
