/**
 * One report per public entry, kept in `packages/<name>/api`: a change of the public surface shows up in review as a change of
 * its report. Plain, it fails where a report is old; with `--write` it writes them. Needs the build.
 * @module
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { publicPackages, repositoryRoot } from './repository-root.ts';

const write = process.argv.includes('--write');
const quiet = { default: { logLevel: ExtractorLogLevel.None } };

for (const name of publicPackages) {
  const folder = join(repositoryRoot, 'packages', name);
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { exports: Record<string, { types?: string } | string> };
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target !== 'string' && target.types !== undefined) report(folder, subpath, target.types);
  }
}

function report(folder: string, subpath: string, types: string): void {
  const entry = join(folder, types);
  const reportFileName = `${subpath === '.' ? 'index' : subpath.slice(2).replaceAll('/', '-')}.api.md`;
  if (!existsSync(entry)) return fail(`${relative(repositoryRoot, entry)} is not built`);
  mkdirSync(join(folder, 'api'), { recursive: true });
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: entry,
      compiler: { overrideTsconfig: { extends: '../../tsconfig.base.json', compilerOptions: { types: ['node'] }, files: [entry] } },
      apiReport: { enabled: true, reportFolder: join(folder, 'api'), reportFileName, reportTempFolder: join(folder, 'temp') },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: quiet,
        // The surface is what this is for; docs have their own checks, and every name here is public by being exported.
        extractorMessageReporting: quiet,
        tsdocMessageReporting: quiet,
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  });
  const result = Extractor.invoke(config, { localBuild: write, messageCallback: (message) => void (message.handled = true) });
  if (!result.succeeded || (!write && result.apiReportChanged))
    fail(`${relative(repositoryRoot, join(folder, 'api', reportFileName))} is older than the code: run pnpm fix`);
}

function fail(reason: string): void {
  process.stderr.write(`${reason}\n`);
  process.exitCode = 1;
}
