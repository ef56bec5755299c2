/** The way back for a home whose log was restored from an older copy. @module */
import type { AcceptedFork } from '../audit/fork.ts';
import { recoverHomeLog } from '../client/recover-home-log.ts';
import { systemEnv } from '../env/env.ts';
import { homeParts, type NodeHomeOptions } from './node-home.ts';

/**
 * Lets the log of a home go on that is behind its last signed head (`TALOS_AUDIT_ROLLED_BACK`): under a new origin, with an entry that says
 * so. Nothing that was signed is contradicted, and what the copy does not hold stays lost: bring the newer copy back if there is one.
 * Call it while no client of this home is open.
 * @throws {@link UsageError} `TALOS_USAGE_OPTIONS` if the log is not behind.
 */
export function recoverLog(options: NodeHomeOptions & { readonly acceptFork: true }): Promise<AcceptedFork> {
  return recoverHomeLog({ ...homeParts(options), env: systemEnv, acceptFork: options.acceptFork });
}
