/** The last checkpoint that a verifier saw of each log. Durable, and not in the same backup as what it verifies: who forgets can be shown another history. @module */
import { StoreError } from '../errors/store-error.ts';

/** One signed note per origin. Both methods may reject with a {@link StoreError}. */
export interface KnownHeads {
  load(origin: string): Promise<string | undefined>;
  /**
   * Replaces the note if it is still `expected`. **Durable when it resolves.**
   * @throws {@link StoreError} `TALOS_STORE_CONFLICT` if it is another one: load it and compare again.
   */
  replace(change: KnownHeadChange): Promise<void>;
}

export type KnownHeadChange = { readonly origin: string; readonly expected: string | undefined; readonly note: string };

/** Gone with the process. */
export function memoryKnownHeads(): KnownHeads {
  const notes = new Map<string, string>();
  return {
    load: async (origin) => notes.get(origin),
    async replace({ origin, expected, note }) {
      if (notes.get(origin) !== expected) throw knownHeadConflict();
      notes.set(origin, note);
    },
  };
}

export function knownHeadConflict(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another verifier has seen a newer checkpoint: compare with that one', retryable: true });
}
