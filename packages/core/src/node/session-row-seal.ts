/** Sessions at rest: each secret of a row is sealed under a key of its own (docs/spec/04 §6.6). @module */
import { StoreError } from '../errors/store-error.ts';
import type { KeyStore } from '../identity/key-store.ts';
import { atRestSeal } from '../seal/at-rest-seal.ts';
import { loadHomeKey } from './home-key.ts';

/**
 * Seals and opens the blobs of one agent. Where a blob stands — agent, table, row, and for a state its version — is associated data: a
 * blob that was moved to another row, or behind another version number, does not open.
 */
export type RowSeal = {
  seal(place: string, secret: Uint8Array): Uint8Array;
  /** `seal` for the rows of one commit: they share a salt, and each has a nonce of its own. */
  sealer(): (place: string, secret: Uint8Array) => Uint8Array;
  /** @throws {@link StoreError} `TALOS_STORE_CORRUPT`. */
  open(place: string, sealed: Uint8Array): Uint8Array;
};

/** @param key - 32 bytes, copied. */
export function rowSeal(key: Uint8Array, agent: string): RowSeal {
  const atRest = atRestSeal(key);
  const bound = (place: string): string => `${agent}|${place}`;
  return {
    seal: (place, secret) => atRest.seal(bound(place), secret),
    sealer: () => {
      const seal = atRest.sealer();
      return (place, secret) => seal(bound(place), secret);
    },
    open: (place, row) => {
      try {
        return atRest.open(bound(place), row);
      } catch {
        throw corrupt();
      }
    },
  };
}

/** The home's key for its sessions. */
export function loadSessionKey(keys: KeyStore): Promise<Uint8Array> {
  return loadHomeKey(keys, 'sessions');
}

function corrupt(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'a stored session does not open: it was damaged, moved, or written under another key' });
}
