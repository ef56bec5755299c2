import { call } from '../benches/capability-fixture.ts';
import type { Bench } from '../measure.ts';
import { loadPeer, mustAllow } from './load-peer.ts';

type Freed = { free(): void };
type Code = { addCode(code: string): void };
type Token = Freed & { toBytes(): Uint8Array };
type Authorizer = Freed & { authorizeWithLimits(limits: object): number };
type Biscuit = {
  readonly SignatureAlgorithm: { readonly Ed25519: number };
  readonly KeyPair: new (algorithm: number) => { getPublicKey(): unknown; getPrivateKey(): unknown };
  readonly Biscuit: { builder(): Code & { build(key: unknown): Token }; fromBytes(bytes: Uint8Array, key: unknown): Token };
  readonly AuthorizerBuilder: new () => Code & { buildAuthenticated(token: Token): Authorizer };
};

const limits = { max_facts: 1000, max_iterations: 100, max_time_micro: 1_000_000 };
const rights = `right("${call.tool}");
check if time($t), $t <= 2100-01-01T00:00:00Z;
check if to($to), $to.ends_with("@acme.example");
check if subject($s), $s.length() <= 120;`;

function facts(to: string): string {
  return `time(2026-11-22T12:00:00Z); tool("${call.tool}"); to("${to}"); subject("${call.input.subject}"); allow if tool($t), right($t); deny if true;`;
}

/** A token of one block from its bytes: parsed, its signature checked, the call decided by its Datalog. */
export const biscuit: Bench = {
  name: 'peer-biscuit',
  floor: 'authorize-cold',
  async open() {
    const { SignatureAlgorithm, KeyPair, Biscuit: Tokens, AuthorizerBuilder } = await loadSilently();
    const keys = new KeyPair(SignatureAlgorithm.Ed25519);
    const publicKey = keys.getPublicKey();
    const builder = Tokens.builder();
    builder.addCode(rights);
    const bytes = builder.build(keys.getPrivateKey()).toBytes();
    const decide = (to: string): boolean => {
      const token = Tokens.fromBytes(bytes, publicKey);
      try {
        const asking = new AuthorizerBuilder();
        asking.addCode(facts(to));
        const authorizer = asking.buildAuthenticated(token);
        authorizer.authorizeWithLimits(limits);
        authorizer.free();
        return true;
      } catch {
        return false;
      } finally {
        token.free();
      }
    };
    if (decide('ops@elsewhere.example')) throw new Error('a bad call was allowed');
    return { sync: () => mustAllow(decide(call.input.to)) };
  },
};

/** It says on standard output, which is for the figures, that it loads. */
async function loadSilently(): Promise<Biscuit> {
  const { log } = console;
  console.log = () => undefined;
  try {
    return await loadPeer<Biscuit>('@biscuit-auth/biscuit-wasm');
  } finally {
    console.log = log;
  }
}
