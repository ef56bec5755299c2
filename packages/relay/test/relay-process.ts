/** The command `talos-relay` as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onClose } from './support.ts';

const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));

export type RelayProcess = { readonly url: string; readonly port: number; readonly child: ChildProcess; kill(): Promise<void> };

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', bin, ...args], { stdio: 'pipe' });
  onClose(() => child.kill('SIGKILL'));
  return child;
}

/** Resolves when it says where it listens. */
export async function relayProcess(args: readonly string[]): Promise<RelayProcess> {
  const child = start([...args, '--json']);
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  const { url, port } = JSON.parse(line) as { url: string; port: number };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { url, port, child, kill };
}

export async function runToEnd(args: readonly string[], whileItRuns: (child: ChildProcess) => unknown = () => undefined): Promise<Ended> {
  const child = start(args);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    whileItRuns(child);
  });
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
