import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { surfaceOf } from '../support/surface.ts';

const root = mkdtempSync(join(tmpdir(), 'talos-surface-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let versions = 0;

/** A framework as it is installed: these are its types. */
function surfaceWith(types: string): readonly string[] {
  const project = join(root, String(versions++));
  const folder = join(project, 'node_modules/framework');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'framework', exports: { '.': { types: './index.d.ts', default: './index.js' } } }));
  writeFileSync(join(folder, 'index.d.ts'), types);
  const from = pathToFileURL(join(project, 'test.ts')).href;
  return surfaceOf({ from, module: 'framework', names: ['Hooks', 'run', 'Agent', 'Kind'] }).split('\n');
}

const version1 = `
export interface Hooks { before?(call: { name: string }): void }
export declare function run(options: { readonly tools: object; readonly hooks?: Hooks }): void;
export declare class Agent { generate(prompt: string): Promise<string> }
export type Kind = { readonly type: 'function'; readonly name: string };
`;

describe('the surface of a framework', () => {
  it.each([
    ['a hook', version1.replace('}): void }', '}): void; around?(call: { name: string }): void }'), 'Hooks.around'],
    ['a hook that is inherited', version1.replace('interface Hooks', 'interface Base { later?(): void }\nexport interface Hooks extends Base'), 'Hooks.later'],
    ['an option of a function', version1.replace('readonly hooks?', 'readonly toolsets?: object; readonly hooks?'), 'run.toolsets'],
    ['an overload', `${version1}export declare function run(options: { readonly remote: string }): void;`, 'run.remote'],
    ['a method of a class', version1.replace('generate(', 'stream(prompt: string): void; generate('), 'Agent.stream'],
    ['a kind of tool', version1.replace('string };', "string } | { readonly type: 'hosted'; readonly server: string };"), 'Kind.server'],
    ['an export', `${version1}export declare const hostedTool: object;`, 'export hostedTool'],
  ])('[REPO-SURFACE] has one more line for %s', (_, version2, line) => {
    const [before, after] = [surfaceWith(version1), surfaceWith(version2)];
    expect(before).not.toContain(line);
    expect(after.filter((seen) => !before.includes(seen))).toContain(line);
  });

  it('[REPO-SURFACE] says what is gone, and is the same for the same types', () => {
    expect(surfaceWith(version1.replaceAll('Hooks', 'Callbacks'))).toContain('Hooks: gone');
    expect(surfaceWith(version1)).toEqual(surfaceWith(version1));
  });
});
