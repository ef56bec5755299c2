/** Keys under which a home seals what it keeps, each for one purpose. @module */
import { randomBytes } from '#suite';
import { StoreError } from '../errors/store-error.ts';
import type { KeyStore } from '../identity/key-store.ts';

/** 32 bytes, drawn on first use. Of two processes that draw one at once the second takes the first's. */
export async function loadHomeKey(keys: KeyStore, record: 'sessions' | 'peers' | 'subjects'): Promise<Uint8Array> {
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
