/** Erasure, retention and entries about persons, for the log of a home (docs/spec/10). @module */
import { openLogPrivacy, type LogPrivacy } from '../audit/log-privacy.ts';
import { systemEnv, type Env } from '../env/env.ts';
import { homeParts, homeStoreOf, nodeHome, type NodeHomeOptions } from './node-home.ts';

export type HomePrivacy = {
  readonly privacy: LogPrivacy;
  readonly close: () => Promise<void>;
};

/**
 * Opens the log of a home for erasure and retention; clients of it in this process share the log, another process that has it open is in the way.
 * @throws {@link StoreError} `TALOS_STORE_CONFLICT` while another process has the log open.
 */
export async function openHomePrivacy(options: NodeHomeOptions & { readonly env?: Env } = {}): Promise<HomePrivacy> {
  const { env = systemEnv, ...home } = options;
  const shared = nodeHome(home).log(env);
  const log = await shared.acquire();
  try {
    const privacy = await openLogPrivacy({ log, store: homeStoreOf(homeParts(home).dir), env });
    return { privacy, close: () => shared.release() };
  } catch (error) {
    await shared.release();
    throw error;
  }
}
