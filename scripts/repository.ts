/** What no linter sees: text that must stand in no file of this repository, and shapes that the house does without. @module */
import { readdirSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { repositoryRoot } from './repository-root.ts';

type Ban = { readonly files: RegExp; readonly except?: RegExp; readonly text: RegExp; readonly why: string };

const machineFolder = /(^|[^\w.@/-])\/(work|root|home|Users|mnt)\/\w/m;
const registryHost = /registry\.[a-z]+\.|https?:\/\/[^\s"']*(npm|yarn|mirror)/;

const bans: readonly Ban[] = [
  { files: /./, except: /^LICENSE$/, text: machineFolder, why: 'names a folder of one machine' },
  { files: /./, text: registryHost, why: 'names a package registry' },
  { files: /(^|\/)pnpm-lock\.yaml$/, text: /https?:\/\//, why: 'records the address of a registry' },
  { files: /^packages\/[^/]+\/src\/.*\.ts$/, text: /^export \* /m, why: 'exports without naming' },
  { files: /^packages\/[^/]+\/src\/.*\.ts$/, text: /^(export )?abstract class /m, why: 'has a class to inherit from' },
  { files: /^packages\/[^/]+\/src\/.*\.ts$/, except: /^packages\/core\/src\/env\//, text: /new Date\(\)/, why: 'reads the clock outside Env' },
  { files: /^packages\/[^/]+\/src\/.*\.ts$/, text: /\b(TODO|FIXME|XXX)\b/, why: 'leaves work behind' },
];

// Not asked of git: an unpacked archive of this repository is checked too. A pattern of ours is one name, with `/` behind a folder's.
const ignored = ['.git', ...readFileSync(join(repositoryRoot, '.gitignore'), 'utf8').split('\n')].map((line) => line.replace(/\/$/, '')).filter(Boolean);
const files = filesBelow('');
const faults = files.flatMap(faultsOf);
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;

function filesBelow(folder: string): string[] {
  return readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    if (ignored.some((pattern) => matchesGlob(entry.name, pattern))) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function faultsOf(path: string): string[] {
  const text = readFileSync(join(repositoryRoot, path), 'utf8');
  return bans
    .filter((ban) => ban.files.test(path) && ban.except?.test(path) !== true)
    .flatMap((ban) => {
      const found = ban.text.exec(text);
      return found === null ? [] : [`${path}:${text.slice(0, found.index).split('\n').length}: ${ban.why}`];
    });
}
