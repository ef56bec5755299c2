/** What is gone from a log, told by its own entries. @module */
import type { AuditReader, AuditStore } from './audit-store.ts';
import { parseEntry, type Entry } from './entry.ts';
import type { LegalHold, PrivateStore } from './private-store.ts';

export type Purged = {
  readonly index: number;
  readonly time: string;
  /** `subject`: all of one person. `payload`: one entry's. `payloads`: by age. `entries`: the beginning of the log. */
  readonly what: 'subject' | 'payload' | 'payloads' | 'entries';
  /** A person's reference, `entry <index>` with a field, or `before <index>`. */
  readonly ref: string;
  readonly reason: string;
  readonly authority: string;
  readonly entries: number;
  /** Who may hold some of it: 64 at most of `holdersTotal`. */
  readonly holders: readonly string[];
  readonly holdersTotal: number;
};

export type PurgeReport = {
  readonly size: number;
  /** Entries below it are hashes only. */
  readonly pruned: number;
  readonly purged: readonly Purged[];
  readonly holds: readonly LegalHold[];
  /** Begun and not finished: done at the next call or start. */
  readonly underWay: boolean;
};

const rowsPerRead = 1024;
/** ECMA-262 §21.4.1.1: beyond it a date is none, and writing it throws. */
const maxDateMs = 8.64e15;

/** Entries about earlier erasures that were pruned themselves are not in it. */
export async function makePurgeReport(store: AuditReader & Pick<AuditStore, 'upkeep'>, privateStore: PrivateStore): Promise<PurgeReport> {
  const { size } = await store.loadHead();
  const pruned = (await store.upkeep?.pruned()) ?? 0;
  const purged: Purged[] = [];
  for (let from = pruned; from < size; from += rowsPerRead) {
    for (const [i, { bytes }] of (await store.loadRows(from, Math.min(size, from + rowsPerRead))).entries()) {
      const each = readPurged(parseEntry(bytes), from + i);
      if (each !== undefined) purged.push(each);
    }
  }
  return { size, pruned, purged, holds: await privateStore.holds(), underWay: (await privateStore.pending()) !== undefined };
}

function readPurged(entry: Entry, index: number): Purged | undefined {
  const { time, reason, authority, entries, holders, holders_total: total } = entry;
  const what = whatOf(entry);
  if (what === undefined || typeof reason !== 'string' || typeof authority !== 'string') return undefined;
  const named = Array.isArray(holders) ? holders.filter((holder) => typeof holder === 'string') : [];
  return { index, time, what, ref: refOf(entry), reason, authority, entries: Number(entries ?? 0), holders: named, holdersTotal: Number(total ?? 0) };
}

function whatOf({ type, erased, retention }: Entry): Purged['what'] | undefined {
  if (type === 'erasure') return erased === 'subject' || erased === 'payload' ? erased : undefined;
  if (type !== 'retention') return undefined;
  if (retention === 'pruned') return 'entries';
  return retention === 'payloads' ? 'payloads' : undefined;
}

function refOf({ subject, index, field, before, at }: Entry): string {
  if (typeof subject === 'string') return subject;
  if (typeof index === 'number') return `entry ${index}${typeof field === 'string' ? ` ${field}` : ''}`;
  if (typeof before === 'number') return `before ${before}`;
  return typeof at === 'number' && Math.abs(at) <= maxDateMs ? `as of ${new Date(at).toISOString()}` : '';
}
