/** The commands of this package as processes of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onClose } from './support.ts';

const bins = { relay: '../src/bin.ts', witness: '../src/witness-bin.ts' } as const;

export type RelayProcess = { readonly url: string; readonly port: number; readonly child: ChildProcess; kill(): Promise<void> };

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

function start(args: readonly string[], command: keyof typeof bins = 'relay'): ChildProcess {
  const bin = fileURLToPath(new URL(bins[command], import.meta.url));
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

export type WitnessProcess = Omit<RelayProcess, 'kill'> & { readonly key: string; kill(): Promise<void> };

export async function witnessProcess(args: readonly string[]): Promise<WitnessProcess> {
  const child = start([...args, '--json'], 'witness');
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  const place = JSON.parse(line) as { url: string; port: number; key: string };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { ...place, child, kill };
}

export async function runToEnd(args: readonly string[], whileItRuns: (child: ChildProcess) => unknown = () => undefined): Promise<Ended> {
  return endOf(start(args), whileItRuns);
}

export function runWitnessToEnd(args: readonly string[]): Promise<Ended> {
  return endOf(start(args, 'witness'), () => undefined);
}

async function endOf(child: ChildProcess, whileItRuns: (child: ChildProcess) => unknown): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    whileItRuns(child);
  });
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
