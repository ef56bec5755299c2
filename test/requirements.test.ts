import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadRequirements } from './requirements.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const requirements = await loadRequirements();
const citation = /(?<=['"`])(?:\[[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+\]\s?)+/g;
const files = globSync(['packages/*/test/**/*.{test,test-d}.ts', 'test/**/*.{test,test-d}.ts'], {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
});
const citations = files.flatMap((file) =>
  [...readFileSync(`${root}${file}`, 'utf8').matchAll(citation)].flatMap(([heads]) => [...heads.matchAll(/\[(.+?)\]/g)].map(([, id = '']) => ({ id, file }))),
);

describe('requirements', () => {
  it('are all cited by a test', () => {
    const cited = new Set(citations.map(({ id }) => id));
    expect([...requirements.keys()].filter((id) => !cited.has(id))).toEqual([]);
  });

  it('are all known where they are cited', () => {
    expect(citations.filter(({ id }) => !requirements.has(id))).toEqual([]);
  });

  it('say what they promise in one sentence', () => {
    expect([...requirements].filter(([, promise]) => !/^[A-Z`].+\.$/s.test(promise))).toEqual([]);
  });
});
