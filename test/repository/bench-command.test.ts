import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { benches, sizes } from '../bench/benches/index.ts';
import { peers } from '../bench/peers/index.ts';

const program = fileURLToPath(new URL('../bench/run.ts', import.meta.url));

function bench(...args: readonly string[]): { readonly stdout: string; readonly stderr: string; readonly status: number | null } {
  const node = ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning'];
  return spawnSync(process.execPath, [...node, program, ...args], { encoding: 'utf8' });
}

describe('the bench command', () => {
  it('[REPO-BENCH] lists every bench', () => {
    const { stdout, status } = bench('--help');
    expect(status).toBe(0);
    for (const { name } of [...benches, ...sizes, ...peers]) expect(stdout).toContain(name);
  });

  it.each([
    ['an option that there is not', ['--frob'], '--frob'],
    ['a value where none belongs', ['--json=yes'], '--json'],
    ['a name that there is not', ['guard-core', 'guard-cor'], 'guard-cor'],
    ['a peer without --peers', ['peer-jose'], 'peer-jose'],
  ])('[REPO-BENCH] refuses %s in one line', (_, args, named) => {
    const { stdout, stderr, status } = bench(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toContain(named);
    expect(stderr).toContain('--help');
  });
});
