/** What no linter sees: text that must stand in no file of this repository, and shapes that the house does without. @module */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository-root.ts';

type Ban = { readonly files: RegExp; readonly except?: RegExp; readonly text: RegExp; readonly why: string };

const machineFolder = /(^|[^\w.@/-])\/(work|root|home|Users|mnt)\/\w/m;
const registryHost = /registry\.[a-z]+\.|https?:\/\/[^\s"']*(npm|yarn|mirror)/;

const bans: readonly Ban[] = [
  { files: /./, except: /^LICENSE$/, text: machineFolder, why: 'names a folder of one machine' },
  { files: /./, text: registryHost, why: 'names a package registry' },
  { files: /^pnpm-lock\.yaml$/, text: /https?:\/\//, why: 'records the address of a registry' },
  { files: /^packages\/[^/]+\/src\/.*\.ts$/, text: /^export \* /m, why: 'exports without naming' },
  { files: /^packages\/[^/]+\/src\/.*\.ts$/, text: /^(export )?abstract class /m, why: 'has a class to inherit from' },
  { files: /^packages\/[^/]+\/src\/.*\.ts$/, except: /^packages\/core\/src\/env\//, text: /new Date\(\)/, why: 'reads the clock outside Env' },
  { files: /^packages\/[^/]+\/src\/.*\.ts$/, text: /\b(TODO|FIXME|XXX)\b/, why: 'leaves work behind' },
];

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: repositoryRoot, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '');
const faults = files.flatMap(faultsOf);
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;

function faultsOf(path: string): string[] {
  const applying = bans.filter((ban) => ban.files.test(path) && ban.except?.test(path) !== true);
  let text: string;
  try {
    text = readFileSync(join(repositoryRoot, path), 'utf8');
  } catch {
    return []; // Deleted in the working tree and not yet in the index.
  }
  return applying.flatMap((ban) => {
    const found = ban.text.exec(text);
    return found === null ? [] : [`${path}:${text.slice(0, found.index).split('\n').length}: ${ban.why}`];
  });
}
