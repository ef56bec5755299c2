/** Receipts of inclusion (RFC 9942 §5.2): this entry stands in a tree that the log signed. @module */
import { hashLeaf, inclusionRoot, parseVerifierKey, verifyEntryProof, type EntryProof } from '@talosprotocol/core/audit';
import { UsageError } from '@talosprotocol/core/errors';
import { malformed } from './cbor.ts';
import { inclusionProof, openReceipt, signReceipt, type LogKeys } from './receipt.ts';

/** `entry`: the bytes that the log holds. `verifierKey`: the log's key as the reader trusts it, `name+hash+keydata`. */
export type InclusionReceiptClaim = { readonly receipt: Uint8Array; readonly entry: Uint8Array; readonly verifierKey: string };

/** `root`: 32 bytes, the tree of `size` that the log signed. */
export type VerifiedInclusion = { readonly origin: string; readonly index: number; readonly size: number; readonly root: Uint8Array };

/**
 * Signs the proof of one entry as a COSE receipt, under tag 18.
 * @param proof - with its checkpoint: a receipt promises nothing that a checkpoint of the log has not promised before.
 * @throws {@link AuditError} as `verifyEntryProof`.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` for the only entry of a log: RFC 9942 has no form for an empty path.
 */
export async function signInclusionReceipt(proof: EntryProof, keys: LogKeys): Promise<Uint8Array> {
  const { checkpoint, index } = verifyEntryProof(proof, keys.verifierKey);
  if (proof.proof.length === 0) {
    throw new UsageError({
      code: 'TALOS_USAGE_ARGUMENT',
      message: 'a log of one entry has an empty path, which a receipt cannot hold: prove to a larger size',
    });
  }
  return signReceipt({ kind: inclusionProof, content: [checkpoint.size, index, proof.proof], size: checkpoint.size, root: checkpoint.root }, keys);
}

/**
 * Returns where the entry stands if the log signed a tree that holds it.
 * @throws {@link EncodingError} `TALOS_ENCODING_BYTES`, {@link AuditError} `TALOS_AUDIT_INCLUSION` or {@link CryptoError}
 * `TALOS_CRYPTO_SIGNATURE`, whichever fails first.
 */
export function verifyInclusionReceipt({ receipt, entry, verifierKey }: InclusionReceiptClaim): VerifiedInclusion {
  const key = parseVerifierKey(verifierKey);
  const { content, requireSigned } = openReceipt(receipt, { kind: inclusionProof, verifierKey: key });
  const [size, index, proof] = content;
  if (!isCount(size) || !isCount(index) || !Array.isArray(proof) || proof.length === 0) throw malformed('its proof is not a size, an index and a path');
  const root = inclusionRoot({ leafHash: hashLeaf(entry), index, size, proof: proof as readonly Uint8Array[] });
  requireSigned({ size, root });
  return { origin: key.name, index, size, root };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
