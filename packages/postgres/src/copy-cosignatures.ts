/** Moves what witnesses gave a log. @module */
import type { AuditStore, CosignatureStore, StoredCosignature } from '@talosprotocol/core/audit';
import { StoreError } from '@talosprotocol/core/errors';

const sizesPerRead = 500;

/** @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED` if there are some and the target cannot keep them; `_CORRUPT` if it did not. */
export async function copyCosignatures(from: AuditStore, to: AuditStore): Promise<void> {
  if (!keepsCosignatures(from)) return;
  for (let next = 0; ;) {
    const read = await from.loadCosignatures(next, sizesPerRead);
    const last = read.at(-1);
    if (last === undefined) return;
    if (!keepsCosignatures(to)) throw new StoreError({ code: 'TALOS_STORE_UNSUPPORTED', message: 'the target cannot keep the cosignatures of this log' });
    for (const cosignature of read) await to.saveCosignature(cosignature);
    requireKept(read, await to.loadCosignatures(next, sizesPerRead));
    next = last.size + 1;
  }
}

function requireKept(given: readonly StoredCosignature[], kept: readonly StoredCosignature[]): void {
  const lines = new Set(kept.map(({ size, line }) => `${size} ${line}`));
  if (given.every(({ size, line }) => lines.has(`${size} ${line}`))) return;
  throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'the target did not keep what it was given: a cosignature differs' });
}

function keepsCosignatures(store: AuditStore): store is AuditStore & CosignatureStore {
  return 'saveCosignature' in store && 'loadCosignatures' in store;
}
