/** The peers are no dependency of this repository: they are installed in this folder, by its own lockfile, when they are measured. @module */
import { fileURLToPath } from 'node:url';
import { must } from '../../../scripts/run.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Changes nothing where they are installed already. Runs none of their install scripts. */
export async function installPeers(): Promise<void> {
  await must('pnpm', ['install', '--dir', here, '--ignore-workspace', '--ignore-scripts', '--frozen-lockfile', '--prefer-offline']);
}

/** By a name that the compiler does not see: what is not installed has no types. `T` is as much of it as is used. */
export async function loadPeer<T>(name: string): Promise<T> {
  return (await import(name)) as T;
}

export function mustAllow(allowed: boolean): void {
  if (!allowed) throw new Error('a good call was refused');
}
