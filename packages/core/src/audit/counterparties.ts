/** Who else may hold what is erased here: an erasure reaches this store, and nobody else's. @module */
import type { AuditReader, AuditStore } from './audit-store.ts';
import { lookupKeys, parseEntry, type Entry, type LookupKey } from './entry.ts';
import type { PrivateStore } from './private-store.ts';

/** `peer`: a party of the call or message, by an entry of this log that names it; `recipient`: who was given the opening. */
export type Counterparty = { readonly holder: string; readonly as: 'peer' | 'recipient'; readonly index: number };

/** One call has a request, a result, three receipts and a few approvals. */
const entriesPerKey = 64;
const rowsPerRead = 1024;

type Stores = { readonly entryStore: AuditStore; readonly privateStore: PrivateStore };

/** Each holder once, at the first entry that names it. */
export async function findCounterparties({ entryStore, privateStore }: Stores, indices: readonly number[]): Promise<readonly Counterparty[]> {
  const found = new Map<string, Counterparty>();
  const add = (party: Counterparty): void => void (found.has(party.holder) || found.set(party.holder, party));
  const keys = new Map<string, LookupKey>();
  for (const index of indices) {
    const entry = await loadEntry(entryStore, index);
    if (entry === undefined) continue;
    for (const holder of peersOf(entry)) add({ holder, as: 'peer', index });
    for (const key of lookupKeys(entry)) if (key.kind !== 'id') keys.set(`${key.kind}:${key.key}`, key);
    for (const holder of await privateStore.recipients(index)) add({ holder, as: 'recipient', index });
  }
  for await (const [index, entry] of relatedEntries(entryStore, keys)) for (const holder of peersOf(entry)) add({ holder, as: 'peer', index });
  return [...found.values()];
}

async function* relatedEntries(store: AuditStore, keys: ReadonlyMap<string, LookupKey>): AsyncGenerator<[number, Entry], void, undefined> {
  const { upkeep } = store;
  if (upkeep === undefined) {
    // A store without an index of all entries under a key is read through.
    yield* scan(store, keys);
    return;
  }
  for (const { kind, key } of keys.values()) {
    for (const index of await upkeep.findAll(kind, key, entriesPerKey)) {
      const entry = await loadEntry(store, index);
      if (entry !== undefined) yield [index, entry];
    }
  }
}

async function* scan(store: AuditReader, keys: ReadonlyMap<string, LookupKey>): AsyncGenerator<[number, Entry], void, undefined> {
  const { size } = await store.loadHead();
  for (let from = 0; keys.size > 0 && from < size; from += rowsPerRead) {
    for (const [i, { bytes }] of (await store.loadRows(from, Math.min(size, from + rowsPerRead))).entries()) {
      const entry = parseEntry(bytes);
      if (lookupKeys(entry).some(({ kind, key }) => keys.has(`${kind}:${key}`))) yield [from + i, entry];
    }
  }
}

async function loadEntry(store: AuditReader, index: number): Promise<Entry | undefined> {
  const [row] = await store.loadRows(index, index + 1);
  return row === undefined || row.bytes.length === 0 ? undefined : parseEntry(row.bytes);
}

/** Handoffs, receipts, messages and remote results name the other party in `peer`. */
function peersOf({ peer }: Entry): readonly string[] {
  return typeof peer === 'string' ? [peer] : [];
}
