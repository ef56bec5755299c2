/** What `pnpm bench` was asked for. @module */
import { parseArgs } from 'node:util';

/** `names`: of benches, empty for all that there are. */
export type BenchArguments = { readonly json: boolean; readonly peers: boolean; readonly help: boolean; readonly names: readonly string[] };

const options = {
  json: { type: 'boolean', default: false },
  peers: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** @returns What is wrong with them, as one line. */
export function readArguments(args: readonly string[]): BenchArguments | { readonly fault: string } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { ...values, names: positionals };
  } catch (error) {
    return { fault: (error as Error).message.split(/[.\n]/)[0] as string };
  }
}

export function usage({ benches, peers }: { readonly benches: readonly string[]; readonly peers: readonly string[] }): string {
  return `pnpm bench [name…] [--peers] [--json]

Measures the benches by name, all of them without a name, each as a ratio to its floor in the same run.
  --peers  Measures published packages beside ours; installs them into test/bench/peers on first use.
  --json   Prints the figures only: pnpm --silent bench --json.
  --help   Prints this.

Benches: ${benches.join(', ')}.
With --peers: ${peers.join(', ')}.
docs/benchmarks.md says what each of them means.
`;
}
