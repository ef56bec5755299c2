/** Accepts the fork of a home's log. A file of its own: nobody loads it who need not. @module */
import { acceptFork, type AcceptedFork } from '../audit/fork.ts';
import type { SignedHeads } from '../audit/signed-heads.ts';
import { loadLogSigner, logOrigin, type HomeLogOptions } from './home.ts';

/** @throws as `acceptFork`. */
export async function recoverHomeLog(options: HomeLogOptions & { readonly heads: SignedHeads; readonly acceptFork: true }): Promise<AcceptedFork> {
  const { keys, env, heads } = options;
  const signer = await loadLogSigner(keys, env);
  const { store, close } = await options.openStore();
  try {
    return await acceptFork({ store, heads, signer, origin: logOrigin(signer), env, acceptFork: options.acceptFork });
  } finally {
    await close();
  }
}
