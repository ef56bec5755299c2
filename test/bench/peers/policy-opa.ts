import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { must, run } from '../../../scripts/run.ts';
import { call } from '../benches/capability-fixture.ts';
import type { Bench } from '../measure.ts';
import { loadPeer, mustAllow } from './load-peer.ts';

type Policy = { evaluate(input: object): readonly { readonly result?: unknown }[] };
type Opa = { readonly loadPolicy: (wasm: Uint8Array) => Promise<Policy> };

const source = fileURLToPath(new URL('./policy.rego', import.meta.url));

/** A Rego policy compiled to WebAssembly, decided for the same arguments. Nothing is signed. Only OPA's own program compiles one. */
export const policyOpa: Bench = {
  name: 'peer-policy-opa',
  floor: 'authorize-warm',
  async skip() {
    return (await run('opa', ['version'])).ok ? undefined : 'the program opa, which compiles its policy, is not on PATH';
  },
  async open() {
    const { loadPolicy } = await loadPeer<Opa>('@open-policy-agent/opa-wasm');
    const policy = await loadPolicy(await compiledPolicy());
    const decide = (args: object): boolean => policy.evaluate({ tool: call.tool, args })[0]?.result === true;
    if (decide({ ...call.input, to: 'ops@elsewhere.example' })) throw new Error('a bad call was allowed');
    return { sync: () => mustAllow(decide(call.input)) };
  },
};

async function compiledPolicy(): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'talos-bench-'));
  try {
    const bundle = join(folder, 'bundle.tar.gz');
    await must('opa', ['build', '-t', 'wasm', '-e', 'talos/allow', '-o', bundle, source]);
    await must('tar', ['-xzf', bundle, '-C', folder, '/policy.wasm']);
    return readFileSync(join(folder, 'policy.wasm'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
