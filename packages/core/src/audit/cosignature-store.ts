/** Where a log keeps what witnesses gave it, beside its checkpoints. A port of its own: a log without witnesses needs none. @module */

/** `line`: one signature line of the note of `size`, `— name base64`, without its newline. */
export type StoredCosignature = { readonly size: number; readonly line: string };

/** Rejects with a {@link StoreError}. Kept for ever, like checkpoints. */
export interface CosignatureStore {
  /** Durable when the promise resolves. The same line of the same size again changes nothing. */
  saveCosignature(cosignature: StoredCosignature): Promise<void>;
  /** Those of the first `limit` sizes from `from` on that have any: smallest size first, all lines of a size together. */
  loadCosignatures(from: number, limit: number): Promise<readonly StoredCosignature[]>;
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
