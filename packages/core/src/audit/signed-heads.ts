/**
 * The heads that a log has signed, kept apart from the log. A copy of the log's folder that is brought back must not bring this back with
 * it: a log that is behind its last signed head would sign a second history of the same sizes (docs/spec/03 §11). @module
 */
import { equalBytes } from '../bytes/equal.ts';
import { StoreError } from '../errors/store-error.ts';
import type { TreeHead } from './tree-hash.ts';

/** One head per origin. Both methods may reject with a {@link StoreError}. */
export interface SignedHeads {
  /** The head that was replaced last; undefined if this origin has none. */
  load(origin: string): Promise<TreeHead | undefined>;
  /**
   * Replaces the head if it is still `expected`, for every process that shares the store. **Durable when it resolves.**
   * @throws {@link StoreError} `TALOS_STORE_CONFLICT` if it is another one: somebody else signs for this origin.
   */
  replace(change: HeadChange): Promise<void>;
}

export type HeadChange = { readonly origin: string; readonly expected: TreeHead | undefined; readonly head: TreeHead };

/** For tests, and for homes that are gone with the process. */
export function memorySignedHeads(): SignedHeads {
  const heads = new Map<string, TreeHead>();
  return {
    load: async (origin) => heads.get(origin),
    async replace({ origin, expected, head }) {
      if (!isSameHead(heads.get(origin), expected)) throw headConflict();
      heads.set(origin, head);
    },
  };
}

export function isSameHead(a: TreeHead | undefined, b: TreeHead | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.size === b.size && equalBytes(a.root, b.root));
}

export function headConflict(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another process signs for this origin: run one writer per log, and one log per key' });
}
