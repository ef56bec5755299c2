/** What an index says is looked at: whoever can write the store could have it answer with another entry. @module */
import { StoreError } from '../errors/store-error.ts';
import { lookupKeys, type Entry, type LookupKey } from './entry.ts';

export function hasKey(entry: Entry, { kind, key }: LookupKey): boolean {
  return lookupKeys(entry).some((each) => each.kind === kind && each.key === key);
}

/** @returns the index of the entry.   @throws {@link StoreError} `TALOS_STORE_CORRUPT` if it does not have the key. */
export function requireKey({ index, entry }: { readonly index: number; readonly entry: Entry }, key: LookupKey): number {
  if (hasKey(entry, key)) return index;
  throw new StoreError({
    code: 'TALOS_STORE_CORRUPT',
    message: 'the index of the audit log leads to an entry that does not have the key: it was changed outside Talos',
  });
}
