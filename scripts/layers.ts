/** Cruises every source and refuses an import that crosses a layer the wrong way. @module */
import { globSync } from 'node:fs';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { forbidden } from './layers.config.ts';

const sources = globSync('packages/*/src/**/*.ts', { exclude: (path) => path.includes('node_modules') });
const result = await cruise(
  [...globSync('packages/*/src'), 'examples'],
  {
    validate: true,
    ruleSet: { forbidden: [...forbidden] },
    // Followed no further, and not left out: what is left out is not judged, and a deep import of a build has to be.
    doNotFollow: { path: ['node_modules', '/dist/'] },
    tsPreCompilationDeps: true,
    parser: 'tsc',
  },
  { conditionNames: ['@talosprotocol/source', 'import', 'node', 'default'], exportsFields: ['exports'], mainFields: ['module', 'main'] },
  { tsConfig: { options: {} as never } },
);
const { modules, summary } = result.output as ICruiseResult;

// A cruiser that cannot read TypeScript finds no module and no fault: count what it saw against what is there.
const seen = modules.filter((module) => /^packages\/[^/]+\/src\//.test(module.source)).length;
for (const { rule, from, to } of summary.violations) process.stderr.write(`${rule.name}: ${from} -> ${to}\n`);
if (seen < sources.length) process.stderr.write(`only ${seen} of ${sources.length} sources were read\n`);
process.exitCode = summary.violations.length > 0 || seen < sources.length ? 1 : 0;
process.stdout.write(`${seen} sources, ${summary.totalDependenciesCruised} imports, ${summary.violations.length} violations\n`);
