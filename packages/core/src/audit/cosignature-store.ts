/** Where a log keeps what witnesses gave it, beside its checkpoints. A port of its own: a log without witnesses needs none. @module */
import type { AuditReader } from './audit-store.ts';

/** `line`: one signature line of the note of `size`, `— name base64`, without its newline. */
export type StoredCosignature = { readonly size: number; readonly line: string };

/** Rejects with a {@link StoreError}. Kept for ever, like checkpoints. */
export interface CosignatureStore {
  /** Durable when the promise resolves. The same line of the same size again changes nothing. */
  saveCosignature(cosignature: StoredCosignature): Promise<void>;
  /** Those of the first `limit` sizes from `from` on that have any: smallest size first, all lines of a size together. */
  loadCosignatures(from: number, limit: number): Promise<readonly StoredCosignature[]>;
}

/** With a checkpoint a second, what witnesses answer in a minute: one of them is cosigned by all that can be reached. */
const soughtSizes = 64;

/** The newest of those with the most lines, among the first sizes from `from` on that have any. */
export async function loadCosigned(
  stores: { readonly store: Pick<AuditReader, 'loadCheckpoint'>; readonly cosignatures: Pick<CosignatureStore, 'loadCosignatures'> },
  from: number,
): Promise<string | undefined> {
  const linesOf = new Map<number, string>();
  for (const { size, line } of await stores.cosignatures.loadCosignatures(from, soughtSizes)) linesOf.set(size, `${linesOf.get(size) ?? ''}${line}\n`);
  const count = (lines: string): number => lines.split('\n').length;
  const [most] = [...linesOf].toSorted(([size, lines], [other, others]) => count(others) - count(lines) || other - size);
  if (most === undefined) return undefined;
  const checkpoint = await stores.store.loadCheckpoint(most[0]);
  return checkpoint && `${checkpoint.note}${most[1]}`;
}

/** Gone with the process, like `memoryAuditStore`. */
export function memoryCosignatureStore(): CosignatureStore {
  const lines = new Map<number, Set<string>>();
  return {
    async saveCosignature({ size, line }) {
      lines.set(size, (lines.get(size) ?? new Set()).add(line));
    },
    async loadCosignatures(from, limit) {
      const sizes = [...lines.keys()].filter((size) => size >= from).toSorted((a, b) => a - b);
      return sizes.slice(0, limit).flatMap((size) => [...(lines.get(size) ?? [])].toSorted().map((line) => ({ size, line })));
    },
  };
}
