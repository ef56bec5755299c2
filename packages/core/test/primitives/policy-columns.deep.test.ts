import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { policyCases } from './ed25519-policy-table.ts';
import { wycheproofPolicyCases } from './wycheproof.ts';

const script = fileURLToPath(new URL('print-policy-columns.ts', import.meta.url));
const expected = [...policyCases(), ...wycheproofPolicyCases()].map((row) => `${row.name}: ${row.expected}`);

type Columns = { readonly version: string; readonly portable: readonly string[]; readonly native: readonly string[] };

describe.each(['22', '24', '26'])('the Ed25519 policy under Node %s', (major) => {
  const own = process.versions.node.startsWith(`${major}.`) ? process.execPath : undefined;
  const binary = process.env[`TALOS_TEST_NODE_${major}`] ?? own;

  it('[ED25519-ONE-POLICY] both columns are as written', ({ skip }) => {
    skip(binary === undefined, `no Node ${major}: set TALOS_TEST_NODE_${major} to its path`);
    const output = execFileSync(binary as string, ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', script], {
      encoding: 'utf8',
    });
    const columns = JSON.parse(output) as Columns;
    expect(columns.version).toMatch(new RegExp(`^v${major}\\.`));
    expect(columns.portable).toEqual(expected);
    expect(columns.native).toEqual(expected);
  });
});
