/** Receipts of consistency (RFC 9942 §5.3): a tree that the log signed begins with one that the reader knows. @module */
import { consistencyRoot, parseVerifierKey, verifyCheckpoint, verifyConsistency } from '@talosprotocol/core/audit';
import { AuditError, UsageError } from '@talosprotocol/core/errors';
import { malformed } from './cbor.ts';
import { consistencyProof, openReceipt, signReceipt, type LogKeys } from './receipt.ts';

/** `oldSize` and `oldRoot` (32 bytes): a head that was verified before. `verifierKey`: as the reader trusts it, `name+hash+keydata`. */
export type ConsistencyReceiptClaim = { readonly receipt: Uint8Array; readonly oldSize: number; readonly oldRoot: Uint8Array; readonly verifierKey: string };

/** `root`: 32 bytes, the tree of `size` that the log signed. */
export type VerifiedConsistency = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

/** What `prove.consistency` of a log gives, and the checkpoint of the new size. */
type Growth = {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: string;
};

/**
 * Signs the proof that the log only grew as a COSE receipt, under tag 18.
 * @throws {@link AuditError} `TALOS_AUDIT_CONSISTENCY` or `TALOS_AUDIT_BAD_NOTE` if proof and checkpoint do not hold or do not belong together.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` for two equal sizes: RFC 9942 has no form for an empty path.
 */
export async function signConsistencyReceipt(growth: Growth, keys: LogKeys): Promise<Uint8Array> {
  verifyConsistency(growth);
  const { size, root } = verifyCheckpoint(growth.checkpoint, keys.verifierKey);
  if (size !== growth.newSize || !root.every((byte, i) => byte === growth.newRoot[i])) {
    throw new AuditError({ code: 'TALOS_AUDIT_CONSISTENCY', message: 'the checkpoint is of another tree than the proof leads to' });
  }
  if (growth.proof.length === 0)
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'a log that did not grow has an empty path, which a receipt cannot hold' });
  return signReceipt({ kind: consistencyProof, content: [growth.oldSize, size, growth.proof], size, root }, keys);
}

/**
 * Returns the head that the log signed if it continues the one that the reader knows.
 * @throws {@link EncodingError} `TALOS_ENCODING_BYTES`, {@link AuditError} `TALOS_AUDIT_CONSISTENCY` or {@link CryptoError}
 * `TALOS_CRYPTO_SIGNATURE`, whichever fails first.
 */
export function verifyConsistencyReceipt({ receipt, oldSize, oldRoot, verifierKey }: ConsistencyReceiptClaim): VerifiedConsistency {
  const key = parseVerifierKey(verifierKey);
  const { content, requireSigned } = openReceipt(receipt, { kind: consistencyProof, verifierKey: key });
  const [from, size, proof] = content;
  if (from !== oldSize) throw malformed('its proof begins at another size than the one known');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || !Array.isArray(proof) || proof.length === 0)
    throw malformed('its proof is not two sizes and a path');
  const root = consistencyRoot({ oldSize, oldRoot, newSize: size, proof: proof as readonly Uint8Array[] });
  requireSigned({ size, root });
  return { origin: key.name, size, root };
}
