/** What a log does that was restored from an older copy, if its owner says so: it goes on under a new name, and says why. @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import { AuditError } from '../errors/audit-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { startLog, type AuditLogOptions } from './audit-log.ts';
import { epochOf, epochOrigin } from './origin-epoch.ts';
import { recoverTree } from './recover.ts';
import type { SignedHeads } from './signed-heads.ts';
import { loadPrevious } from './start-entry.ts';
import { findUnopened } from './unopened.ts';
import { makeVerifierKey } from './verifier-key.ts';

export type AcceptForkOptions = AuditLogOptions & { readonly heads: SignedHeads; readonly acceptFork: true };

export type AcceptedFork = {
  /** The name under which the log goes on. Give it to those who follow the log. */
  readonly origin: string;
  readonly verifierKey: string;
  /** Entries that the copy held; they keep their indices. */
  readonly kept: number;
  /** Size that had been signed under the old name. What it held beyond the copy is lost to this log; old checkpoints still prove it. */
  readonly signedSize: number;
};

/**
 * Begins a new epoch of the origin after `TALOS_AUDIT_ROLLED_BACK` and records the fork in a gap entry. Bring the newer copy back instead
 * if there is one: what was signed and is not in this copy stays lost.
 * @throws {@link UsageError} `TALOS_USAGE_OPTIONS` without `acceptFork`, or if the log is not behind.   @throws as `openAuditLog`.
 */
export async function acceptFork(options: AcceptForkOptions): Promise<AcceptedFork> {
  const { store, heads, origin, signer } = options;
  if ((options.acceptFork as unknown) !== true) throw misuse('pass acceptFork: true to go on under a new origin');
  const baseKey = makeVerifierKey(origin, signer.publicKey);
  await requireBehind(options);
  const recovered = await recoverTree({ store, key: baseKey, heads: undefined });
  const old = recovered.key.name;
  const epoch = await firstFree(heads, { origin, after: epochOf(origin, old) ?? 1 });
  const signed = await heads.load(epoch === 2 ? origin : epochOrigin(origin, epoch - 1));
  const key = makeVerifierKey(epochOrigin(origin, epoch), signer.publicKey);
  const previous = await loadPrevious(store, recovered.range.size);
  const kept = recovered.range.size;
  const unopened = await findUnopened(store, { from: recovered.checkpoint?.size ?? 0, to: kept });
  const log = await startLog(options, { ...recovered, key, signed: undefined, checkpoint: undefined, previous, unopened });
  await log.append({
    type: 'gap',
    gap: 'fork',
    origin: key.name,
    previous_origin: old,
    kept,
    signed_size: signed?.size,
    signed_root: signed && encodeBase64url(signed.root),
  });
  await log.close();
  return { origin: key.name, verifierKey: log.verifierKey, kept, signedSize: signed?.size ?? 0 };
}

async function requireBehind({ store, heads, origin, signer }: AcceptForkOptions): Promise<void> {
  try {
    await recoverTree({ store, key: makeVerifierKey(origin, signer.publicKey), heads });
  } catch (error) {
    if (AuditError.isInstance(error) && (error.code === 'TALOS_AUDIT_ROLLED_BACK' || error.code === 'TALOS_AUDIT_DIVERGED')) return;
    throw error;
  }
  throw misuse('the log is not behind what was signed from it: open it');
}

async function firstFree(heads: SignedHeads, { origin, after }: { readonly origin: string; readonly after: number }): Promise<number> {
  let epoch = after + 1;
  while ((await heads.load(epochOrigin(origin, epoch))) !== undefined) epoch++;
  return epoch;
}

function misuse(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}
