/** Keys of a home that seal what it keeps, 32 bytes, each under a name of its own in the key store. @module */
import { randomBytes } from '#suite';
import { StoreError } from '../errors/store-error.ts';
import type { KeyStore } from '../identity/key-store.ts';

/** Drawn on first use. Of two processes that draw one at once the second takes the first's. */
export async function loadDrawnKey(keys: KeyStore, record: string): Promise<Uint8Array> {
  const kept = await keys.load(record);
  if (kept !== undefined) return kept;
  const drawn = randomBytes(32);
  try {
    await keys.save(record, drawn, 'absent');
    return drawn;
  } catch (error) {
    const first = StoreError.isInstance(error) && error.code === 'TALOS_STORE_CONFLICT' ? await keys.load(record) : undefined;
    if (first === undefined) throw error;
    return first;
  }
}
