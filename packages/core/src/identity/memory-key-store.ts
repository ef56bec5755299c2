import { StoreError } from '../errors/store-error.ts';
import type { KeyStore } from './key-store.ts';

/** Keys that live as long as the process: tests, short-lived agents, the default of `TalosClient.create`. */
export function memoryKeyStore(): KeyStore {
  const kept = new Map<string, Uint8Array>();
  return {
    async load(record) {
      const secret = kept.get(record);
      return secret === undefined ? undefined : Uint8Array.from(secret);
    },
    async save(record, secret, expected) {
      if (kept.has(record) !== (expected === 'present')) {
        throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another writer saved this record first: load it again', retryable: true });
      }
      kept.set(record, Uint8Array.from(secret));
    },
  };
}
