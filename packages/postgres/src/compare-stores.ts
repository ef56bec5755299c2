/** Two stores of one log, read side by side: entries hashed again from the second one's bytes, openings and checkpoints compared. @module */
import { CompactRange, hashLeaf, type AuditStore, type Opening, type StoredCheckpoint, type TreeHead } from '@talosprotocol/core/audit';
import { StoreError } from '@talosprotocol/core/errors';
import { isSameBytes, isSameHead } from './same-bytes.ts';

/** Rows are at most 64 KiB, openings 16 MiB each: the second are read in small groups. */
const rowsPerRead = 500;
const openingsPerRead = 16;
const checkpointsPerRead = 1000;

type Comparison = { readonly from: AuditStore; readonly to: AuditStore; readonly head: TreeHead; readonly onProgress: (done: number) => void };

/** @throws {@link StoreError} `TALOS_STORE_CORRUPT` if `to` does not hold what `from` holds, up to `head`. */
export async function compareStores({ from, to, head, onProgress }: Comparison): Promise<void> {
  if (!isSameHead(await to.loadHead(), head)) throw different('its head');
  const range = new CompactRange();
  while (range.size < head.size) {
    const rows = await to.loadRows(range.size, Math.min(range.size + rowsPerRead, head.size));
    if (rows.length === 0) throw different('the number of its entries');
    for (let n = 0; n < rows.length; n += openingsPerRead)
      await compareOpenings({ from, to, first: range.size + n, end: range.size + Math.min(n + openingsPerRead, rows.length) });
    for (const { bytes, hashes } of rows) if (!isSameBytes(range.append(hashLeaf(bytes)), hashes)) throw different('an entry');
    onProgress(range.size);
  }
  if (!isSameHead(range.head(), head)) throw different('its root');
  await compareCheckpoints(from, to);
}

type Span = { readonly from: AuditStore; readonly to: AuditStore; readonly first: number; readonly end: number };

async function compareOpenings({ from, to, first, end }: Span): Promise<void> {
  const indices = Array.from({ length: end - first }, (_, n) => first + n);
  const both = await Promise.all(indices.map((index) => Promise.all([from.loadOpenings(index), to.loadOpenings(index)])));
  for (const [wanted, kept] of both) {
    if (wanted.length !== kept.length || wanted.some((opening, n) => !isSameOpening(opening, kept[n] as Opening))) throw different('an opening');
  }
}

function isSameOpening(a: Opening, b: Opening): boolean {
  return a.field === b.field && isSameBytes(a.salt, b.salt) && isSameBytes(a.payload, b.payload);
}

async function compareCheckpoints(from: AuditStore, to: AuditStore): Promise<void> {
  for (let next = 0; ;) {
    const [wanted, kept] = await Promise.all([from.loadCheckpoints(next, checkpointsPerRead), to.loadCheckpoints(next, checkpointsPerRead)]);
    if (wanted.length !== kept.length || wanted.some(({ size, note }, n) => kept[n]?.size !== size || kept[n].note !== note)) throw different('a checkpoint');
    if (wanted.length < checkpointsPerRead) return;
    next = (wanted.at(-1) as StoredCheckpoint).size + 1;
  }
}

function different(what: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `the target did not keep what it was given: ${what} differs` });
}
