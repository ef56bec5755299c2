/**
 * Fills the marked code fences of the README and the docs from regions of the examples, or with `--check` fails when one differs,
 * so that no page shows code that is not run. A mark is `<!-- snippet: examples/02-langchain/index.ts#guard -->` on the line above
 * a fence; the region stands between `// #region guard` and `// #endregion guard`. Without `#name` it is the whole file.
 * @module
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository-root.ts';

const marked = /(<!-- snippet: (\S+) -->\n+```\w*\n)([\s\S]*?)(\n?```)/g;
const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/**/*.md'], {
  cwd: repositoryRoot,
  exclude: (path) => path.includes('node_modules'),
});
const check = process.argv.includes('--check');

for (const page of pages) {
  const path = join(repositoryRoot, page);
  const before = readFileSync(path, 'utf8');
  const after = before.replaceAll(marked, (_fence, head: string, source: string, _body: string) => `${head}${snippet(source, page)}\n\`\`\``);
  const marks = before.match(/<!-- snippet: /g)?.length ?? 0;
  if (marks !== (before.match(marked)?.length ?? 0)) fail(`${page}: a snippet mark has no code fence under it`);
  if (after === before) continue;
  if (check) fail(`${page}: a snippet differs from its example; run pnpm fix`);
  else writeFileSync(path, after);
}

function snippet(source: string, page: string): string {
  const [file = '', region] = source.split('#');
  const text = readFileSync(join(repositoryRoot, file), 'utf8');
  if (region === undefined) return text.trimEnd();
  const body = new RegExp(`^[ \\t]*// #region ${region}\\n([\\s\\S]*?)^[ \\t]*// #endregion ${region}$`, 'm').exec(text)?.[1];
  if (body === undefined) throw new Error(`${page}: ${file} has no region ${region}`);
  const lines = body.trimEnd().split('\n');
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length));
  return lines.map((line) => line.slice(indent)).join('\n');
}

function fail(reason: string): void {
  process.stderr.write(`${reason}\n`);
  process.exitCode = 1;
}
