import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const vitest = join(dirname(fileURLToPath(import.meta.resolve('vitest/package.json'))), 'vitest.mjs');
const reporter = fileURLToPath(new URL('../../scripts/closing-line-reporter.ts', import.meta.url));
const folders: string[] = [];

afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

function runTests(files: Record<string, string>): { readonly lines: readonly string[]; readonly status: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'talos-closing-'));
  folders.push(folder);
  const config = `import { ClosingLineReporter } from ${JSON.stringify(reporter)};\nexport default { test: { globals: true, reporters: [new ClosingLineReporter()], retry: 1 } };\n`;
  for (const [name, text] of Object.entries({ 'vitest.config.ts': config, ...files })) writeFileSync(join(folder, name), text);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
  const { stdout, status } = spawnSync(process.execPath, [vitest, 'run', '--root', folder], { env, encoding: 'utf8' });
  return { lines: stdout.trimEnd().split('\n'), status };
}

describe('the closing line', () => {
  it('[REPO-CLOSING-LINE] counts tests', () => {
    const { lines, status } = runTests({ 'a.test.ts': `test('a', () => {});` });
    expect([lines.at(-1), status]).toEqual(['1 passed, 0 failed', 0]);
  });

  it('[REPO-CLOSING-LINE] gives each reason for a skip before it', () => {
    const { lines, status } = runTests({
      'a.test.ts': `test('a', () => {}); test('b', (context) => context.skip('no service answers')); test.skip('c', () => {});`,
    });
    expect([lines.slice(-3), status]).toEqual([['skipped 1: no service answers', 'skipped 1: no reason given: c', '1 passed, 0 failed, 2 skipped'], 0]);
  });

  it('[REPO-CLOSING-LINE] gives the title of a suite that is skipped whole', () => {
    const { lines } = runTests({ 'a.test.ts': `describe.skip('vectors (none here)', () => { test('a', () => {}); test('b', () => {}); });` });
    expect(lines.slice(-2)).toEqual(['skipped 2: vectors (none here)', '0 passed, 0 failed, 2 skipped']);
  });

  it('[REPO-CLOSING-LINE] a module that does not load is a failure', () => {
    const { lines, status } = runTests({ 'a.test.ts': `test('a', () => {});`, 'b.test.ts': `throw new Error('no');` });
    expect([lines.at(-1), status]).toEqual(['1 passed, 1 failed', 1]);
  });

  it('[REPO-CLOSING-LINE] tests that a failed hook kept from running are failures', () => {
    const { lines, status } = runTests({ 'a.test.ts': `beforeAll(() => { throw new Error('no'); }); test('a', () => {}); test('b', () => {});` });
    expect([lines.at(-1), status]).toEqual(['0 passed, 2 failed', 1]);
  });

  it('[REPO-CLOSING-LINE] names what failed and what passed only when it was run again', () => {
    const { lines } = runTests({
      'a.test.ts': `let runs = 0; test('a', () => { throw new Error('no'); }); test('b', () => { if (runs++ === 0) throw new Error('once'); });`,
    });
    expect(lines.slice(-3)).toEqual(['passed when run again: a.test.ts > b: once', 'failed: a.test.ts > a: no', '1 passed, 1 failed']);
  });

  it('[REPO-CLOSING-LINE] an error outside every test is a failure', () => {
    const stray = `test('a', () => { setTimeout(() => { throw new Error('stray'); }, 0); }); test('b', () => new Promise((done) => setTimeout(done, 50)));`;
    const { lines, status } = runTests({ 'a.test.ts': stray });
    expect([lines.at(-1), status]).toEqual(['2 passed, 1 failed', 1]);
  });
});
