/** Where this machine keeps what a restored backup of a home must not bring back. @module */
import * as os from 'node:os';
import * as path from 'node:path';
import { UsageError } from '../errors/usage-error.ts';

/**
 * The folder of such state: the option `stateDir`, else `$XDG_STATE_HOME/talos` or `~/.local/state/talos`; `~/Library/Application Support/talos`
 * on macOS, `%LOCALAPPDATA%\talos` on Windows. Homes share it.
 * @param dir - The home's folder, if it is in one.
 * @throws {@link UsageError} `TALOS_USAGE_OPTIONS` if the state would lie within the home: one backup would then hold both.
 */
export function stateDirOf(options: { readonly stateDir?: string }, dir?: string): string {
  const stateDir = path.resolve(options.stateDir ?? path.join(defaultParent(), 'talos'));
  if (dir === undefined) return stateDir;
  const within = path.relative(path.resolve(dir), stateDir);
  const outside = within === '..' || within.startsWith(`..${path.sep}`) || path.isAbsolute(within);
  if (!outside)
    throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'stateDir must lie outside the home: a backup that restores the home must not restore it' });
  return stateDir;
}

function defaultParent(): string {
  if (process.platform === 'win32') return process.env['LOCALAPPDATA'] ?? path.join(os.homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library', 'Application Support');
  const named = process.env['XDG_STATE_HOME'];
  // The XDG specification: a path that is not absolute is to be ignored.
  return named !== undefined && path.isAbsolute(named) ? named : path.join(os.homedir(), '.local', 'state');
}
