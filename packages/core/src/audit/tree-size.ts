/** Sizes, indices and hashes as a verifier takes them from strangers. @module */
import { requireUint8Array } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import { hashLength } from './tree-hash.ts';

/** tlog-checkpoint sizes are unsigned 64-bit; a vector holds leaf index 2^64 − 1, which a number would round. */
const maxSize = 2n ** 64n - 1n;

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` unless `value` is an integer from 0 to 2^64 − 1, exact as it is. */
export function toTreeSize(name: string, value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'bigint' && value >= 0n && value <= maxSize) return value;
  throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `${name} must be an integer from 0 to 2^53 - 1, or a bigint from 0 to 2^64 - 1` });
}

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` unless every one is a Uint8Array. The lengths are the proof's business. */
export function requireBytes(values: { readonly [name: string]: unknown }): void {
  for (const [name, value] of Object.entries(values)) requireUint8Array(name, value);
}

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` unless `proof` is an array. Its members are checked one by one, after its length. */
export function requireProof(proof: unknown): asserts proof is readonly unknown[] {
  if (!Array.isArray(proof)) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'proof must be an array of Uint8Array' });
}

export function isHash(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === hashLength;
}

/** Counted, because `every` skips the holes of a sparse array. */
export function areHashes(values: readonly unknown[]): values is readonly Uint8Array[] {
  for (let i = 0; i < values.length; i++) if (!isHash(values[i])) return false;
  return true;
}
