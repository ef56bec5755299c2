/** How long what is kept: classes of entry types, each with a minimum that nothing goes below and a maximum above which it goes (docs/spec/10 §5). @module */
import { requireObject } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AuditReader } from './audit-store.ts';
import { parseEntry, type Entry, type EntryType } from './entry.ts';
import type { LegalHold, PrivateStore } from './private-store.ts';

export type RetentionTimes = {
  /** Entries are kept so many days at least. */
  readonly minDays: number;
  /** Entries go after so many days, as soon as all before them may go. Without it they stay. */
  readonly maxDays?: number;
  /** Payloads and salts go after so many days. Without it they go with their entries. */
  readonly payloadDays?: number;
};
export type RetentionClass = RetentionTimes & { readonly types: readonly EntryType[] };
/** `others`: every type that no class names. */
export type RetentionPolicy = { readonly classes?: readonly RetentionClass[]; readonly others: RetentionTimes };

/** Pruning stops at an entry that has to stay: what lies behind it stays too, whatever its age. */
export type PrunePlan = {
  /** Entries below it go; a multiple of 256, so that a bundle of a tile directory goes whole. */
  readonly before: number;
  /** The entry that has to stay, and why; undefined if the log ended first. */
  readonly stopped: { readonly index: number; readonly why: 'minimum' | 'hold' } | undefined;
  /** Entries above their maximum that stay for that reason, as far as the log was read: up to 256 behind `before`. */
  readonly overdue: number;
};

const dayMs = 86_400_000;
const maxDays = 36_500;
const rowsPerRead = 1024;
/** Entries of one bundle (c2sp.org/tlog-tiles). */
const bundle = 256;

export class RetentionRules {
  readonly #others: RetentionTimes;
  readonly #byType = new Map<string, RetentionTimes>();

  /** @throws {@link UsageError} `TALOS_USAGE_OPTIONS`. */
  constructor(policy: RetentionPolicy) {
    requireObject('policy', policy);
    this.#others = requireTimes(policy.others);
    for (const each of policy.classes ?? []) {
      requireTimes(each);
      if (!Array.isArray(each.types) || each.types.length === 0) throw bad('a class names at least one type of entry');
      for (const type of each.types) {
        if (this.#byType.has(type)) throw bad(`two classes name ${String(type).slice(0, 64)}`);
        this.#byType.set(type, each);
      }
    }
  }

  of(entry: Entry): RetentionTimes {
    return this.#byType.get(entry.type) ?? this.#others;
  }

  isPayloadExpired(entry: Entry, now: number): boolean {
    const { payloadDays } = this.of(entry);
    return payloadDays !== undefined && ageOf(entry, now) >= payloadDays * dayMs;
  }
}

export type Now = { readonly rules: RetentionRules; readonly holds: readonly LegalHold[]; readonly now: number };

/** @param window - from the first entry that has bytes up to the last checkpoint. */
export async function planPrune(store: AuditReader, window: { readonly from: number; readonly end: number }, { rules, holds, now }: Now): Promise<PrunePlan> {
  let allowed = window.from;
  let wanted = window.from;
  let over = 0;
  let stopped: PrunePlan['stopped'];
  for await (const [index, entry] of entriesOf(store, window)) {
    const { minDays, maxDays: most } = rules.of(entry);
    const age = ageOf(entry, now);
    if (isHeld(holds, index)) stopped = { index, why: 'hold' };
    else if (age < minDays * dayMs) stopped = { index, why: 'minimum' };
    if (stopped !== undefined) break;
    allowed = index + 1;
    if (most !== undefined && age >= most * dayMs) {
      wanted = allowed;
      over++;
    }
  }
  const up = Math.ceil(wanted / bundle) * bundle;
  const before = Math.max(window.from, up <= allowed ? up : Math.floor(wanted / bundle) * bundle);
  return { before, stopped, overdue: Math.min(over, Math.max(0, wanted - before)) };
}

/** Entries whose payloads have expired and are held by nobody. */
export async function expiredPayloads(stores: { readonly entryStore: AuditReader; readonly privateStore: PrivateStore }, at: Now): Promise<number[]> {
  const expired: number[] = [];
  for (let from = 0; ;) {
    const indices = await stores.privateStore.indices({ from, limit: rowsPerRead });
    for (const index of indices) {
      const [row] = await stores.entryStore.loadRows(index, index + 1);
      if (row === undefined || row.bytes.length === 0 || !at.rules.isPayloadExpired(parseEntry(row.bytes), at.now)) continue;
      const subjects = (await stores.privateStore.loadOpenings(index)).map(({ subject }) => subject);
      if (!isHeld(at.holds, index, subjects)) expired.push(index);
    }
    if (indices.length < rowsPerRead) return expired;
    from = (indices.at(-1) as number) + 1;
  }
}

/** A hold on a person keeps payloads, and the entries that they open. */
export function isHeld(holds: readonly LegalHold[], index: number, subjects: readonly (string | undefined)[] = []): boolean {
  return holds.some(({ subject, from, to }) => {
    if (subject !== undefined) return subjects.includes(subject);
    return index >= (from ?? 0) && index < (to ?? Infinity);
  });
}

async function* entriesOf(
  store: AuditReader,
  { from, end }: { readonly from: number; readonly end: number },
): AsyncGenerator<[number, Entry], void, undefined> {
  for (let start = from; start < end; start += rowsPerRead) {
    for (const [i, { bytes }] of (await store.loadRows(start, Math.min(end, start + rowsPerRead))).entries()) yield [start + i, parseEntry(bytes)];
  }
}

function ageOf({ time }: Entry, now: number): number {
  return now - Date.parse(time);
}

function requireTimes(times: RetentionTimes): RetentionTimes {
  requireObject('others', times);
  const { minDays, maxDays: most, payloadDays } = times;
  for (const days of [minDays, most ?? 0, payloadDays ?? 0])
    if (!Number.isSafeInteger(days) || days < 0 || days > maxDays) throw bad(`days are integers from 0 to ${maxDays}`);
  if (most !== undefined && most < minDays) throw bad('maxDays is below minDays');
  return times;
}

function bad(reason: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: `this retention policy cannot be: ${reason}` });
}
