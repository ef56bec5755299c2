import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../measure.ts';
import { openRowThread } from '../row-thread.ts';
import { concurrentRound } from './concurrent-round.ts';

type Pair = { send(from: 0 | 1, plaintext: Uint8Array): unknown; recv(to: 0 | 1, wire: unknown): Uint8Array };
type Floor = { readonly make: () => Promise<{ newPair(): Promise<Pair> }> };

/** What stands in the two logs and stores of one call, and the arguments: in four rows. */
const row = new Uint8Array(2048).fill(65);
const signed = new Uint8Array(600).fill(66);

function makeSigner(): { readonly sign: () => Uint8Array; readonly verify: (signature: Uint8Array) => void } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    sign: () => sign(null, signed, privateKey),
    verify: (signature) => {
      if (!verify(null, signed, publicKey, signature)) throw new Error('the signature does not verify');
    },
  };
}

/**
 * What no call with R, S and A can do without: three signatures made and three verified, and a synced row before the request leaves, before the
 * tool runs, before the answer leaves and before the caller has it. With one caller its two frames are sealed as well; many share theirs. No
 * protocol, no capability, no Merkle tree, no check.
 */
const floorRemoteCall = (callers: number): Bench => ({
  name: `floor-remote-call-${callers}`,
  maxRounds: 12,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'talos-bench-'));
    const [caller, callee] = [openRowThread(join(folder, 'caller.db')), openRowThread(join(folder, 'callee.db'))];
    const { make } = (await import(new URL('../session-floor.mjs', import.meta.url).href)) as Floor;
    const pair = callers === 1 ? await (await make()).newPair() : undefined;
    const [a, b] = [makeSigner(), makeSigner()];
    const carry = (from: 0 | 1): void => void pair?.recv(from === 0 ? 1 : 0, pair.send(from, row));
    const call = async (): Promise<void> => {
      const request = a.sign();
      await caller.keep(row);
      carry(0);
      a.verify(request);
      await callee.keep(row);
      const outcome = b.sign();
      await callee.keep(row);
      carry(1);
      b.verify(outcome);
      const countersignature = a.sign();
      await caller.keep(row);
      a.verify(countersignature);
    };
    return {
      round: concurrentRound({ callers, turns: 40, call }),
      close: async () => {
        await Promise.all([caller.close(), callee.close()]);
        rmSync(folder, { recursive: true });
      },
    };
  },
});

export const floorRemoteCall1 = floorRemoteCall(1);
export const floorRemoteCall64 = floorRemoteCall(64);
