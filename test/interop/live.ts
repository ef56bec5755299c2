/** A conversation with the foreign code itself. */
import { converse, type Carried } from './conversation.ts';
import type { FrozenBundle, InteropCase } from './cases.ts';
import { fixedEnv, hex } from './foreign-ratchet.ts';
import { olmPeer, signalPeer } from './foreign-peers.ts';
import { drawOlmKeys } from './olm.ts';
import { drawSignalKeys } from './signal-v3.ts';

export type LiveRun = { readonly bundle: FrozenBundle; readonly sent: readonly Carried[] };

export async function converseLive({ name, isOursFirst, knowsPreviousCount, ours }: InteropCase): Promise<LiveRun> {
  const { speaker, bundle: keys } = name.startsWith('olm')
    ? await olmPeer(isOursFirst ? undefined : drawOlmKeys(fixedEnv('olm')))
    : await signalPeer(isOursFirst ? undefined : drawSignalKeys(fixedEnv('signal')));
  const bundle = Object.fromEntries(Object.entries(keys).map(([role, key]) => [role, hex(key)]));
  const own = ours(bundle);
  const ends = isOursFirst ? { first: own, second: speaker } : { first: speaker, second: own };
  return { bundle, sent: await converse({ ...ends, knowsPreviousCount }) };
}
