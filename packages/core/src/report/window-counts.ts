/** Counts the entries of a window, one after the other, in memory that does not grow with them. @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { Entry, EntryType } from '../audit/entry.ts';
import { SequenceChecker } from '../audit/recorder-run.ts';
import type { SignedLeaf } from '../audit/signed-leaves.ts';
import { maxRangeEntries } from '../audit/range.ts';
import type { ReportFacts, ToolCounts } from './report-facts.ts';
import { EntryList, IndexTally, NameTally } from './tally.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export type WindowFacts = Omit<ReportFacts, 'origin' | 'verifierKey' | 'checkpoint' | 'from' | 'to' | 'pruned' | 'witnesses' | 'retentionClasses'>;

/** Calls under way at once. A request beyond it is not followed, and its result counts as one without a request: the report says too much, never too little. */
const maxOpen = 1_000_000;

/** Entries that a reviewer wants to see one by one. */
const listOf: Partial<Record<EntryType, 'retention' | 'erasures' | 'keyEvents' | 'rights' | 'changes'>> = {
  retention: 'retention',
  erasure: 'erasures',
  'key.bound': 'keyEvents',
  'key.revoked': 'keyEvents',
  'capability.issued': 'rights',
  'capability.revoked': 'rights',
  approval: 'rights',
  config: 'changes',
  anchor: 'changes',
};

export class WindowCounts {
  readonly #types = new Map<string, number>();
  readonly #agents = new NameTally(() => true);
  readonly #tools = new NameTally<Mutable<Omit<ToolCounts, 'tool'>>>(() => ({ requested: 0, ok: 0, failed: 0, refused: 0 }));
  readonly #refusals = new NameTally(() => ({ count: 0 }));
  readonly #sequences: SequenceChecker;
  readonly #open = new Map<string, number>();
  readonly #tallies = {
    outsideTime: new IndexTally(),
    resultsWithoutRequest: new IndexTally(),
    crashes: new IndexTally(),
    lost: new IndexTally(),
    forks: new IndexTally(),
    clockBack: new IndexTally(),
  };
  readonly #lists = { retention: new EntryList(), erasures: new EntryList(), keyEvents: new EntryList(), rights: new EntryList(), changes: new EntryList() };
  readonly #lastTime = new Map<string, string>();
  #otherToolCalls = 0;
  #lostEvents = 0;
  #start: number;
  #end: number;

  constructor(start: number) {
    this.#start = start;
    this.#end = start;
    this.#sequences = new SequenceChecker({ fromStart: start === 0 });
  }

  /** @param inTime - the entry's own time lies in the window; an entry between two of those belongs to it whatever its clock said. */
  add({ index, leafHash }: SignedLeaf, entry: Entry, inTime: boolean): void {
    this.#end = index + 1;
    if (!inTime) this.#tallies.outsideTime.add(index);
    this.#types.set(entry.type, (this.#types.get(entry.type) ?? 0) + 1);
    if (typeof entry['agent'] === 'string') this.#agents.of(entry['agent']);
    this.#sequences.add({ index, leafHash, entry });
    const last = this.#lastTime.get(entry.recorder);
    if (last !== undefined && entry.time < last) this.#tallies.clockBack.add(index);
    this.#lastTime.set(entry.recorder, entry.time);
    this.#count(index, entry, leafHash);
  }

  /** A result after the window answers a request in it: the window ends, the call does not. */
  answer(entry: Entry): void {
    if (entry.type === 'tool.result' && typeof entry['intent'] === 'string') this.#open.delete(entry['intent']);
  }

  facts(): WindowFacts {
    const { outsideTime, resultsWithoutRequest, crashes, lost, forks, clockBack } = this.#tallies;
    const open = new IndexTally();
    for (const index of this.#open.values()) open.add(index);
    const faults = new IndexTally();
    for (const { index } of this.#sequences.findings()) faults.add(index);
    const { retention, erasures, keyEvents, rights, changes } = this.#lists;
    return {
      start: this.#start,
      end: this.#end,
      ranges: partsOf(this.#start, this.#end),
      outsideTime: outsideTime.counted(),
      types: [...this.#types].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([type, count]) => ({ type, count })),
      agents: { count: this.#agents.entries().length, more: this.#agents.full },
      tools: this.#tools.entries().map(([tool, counts]) => ({ tool, ...counts })),
      otherToolCalls: this.#otherToolCalls,
      refusals: this.#refusals.entries().map(([code, { count }]) => ({ code, count })),
      requestsWithoutResult: open.counted(),
      resultsWithoutRequest: resultsWithoutRequest.counted(),
      sequenceFaults: faults.counted(),
      crashes: crashes.counted(),
      lost: { ...lost.counted(), events: this.#lostEvents },
      forks: forks.counted(),
      recorders: this.#sequences.runs(),
      sessions: { opened: this.#types.get('session.open') ?? 0, closed: this.#types.get('session.close') ?? 0 },
      clockBack: clockBack.counted(),
      retention: retention.listed(),
      erasures: erasures.listed(),
      keyEvents: keyEvents.listed(),
      rights: rights.listed(),
      changes: changes.listed(),
    };
  }

  #count(index: number, entry: Entry, leafHash: Uint8Array): void {
    const list = listOf[entry.type];
    if (list !== undefined) this.#lists[list].add(index, entry);
    if (entry.type === 'gap') this.#countGap(index, entry);
    if (entry.type === 'tool.request') this.#countRequest(index, entry, leafHash);
    if (entry.type === 'tool.result') this.#countResult(index, entry);
    if (entry.type === 'policy.decision') this.#countRefusal(entry);
  }

  #toolOf(entry: Entry): Mutable<Omit<ToolCounts, 'tool'>> | undefined {
    const name = entry['gen_ai.tool.name'];
    const counts = this.#tools.of(typeof name === 'string' ? name : '(no name recorded)');
    if (counts === undefined) this.#otherToolCalls++;
    return counts;
  }

  #countRequest(index: number, entry: Entry, leafHash: Uint8Array): void {
    const counts = this.#toolOf(entry);
    if (counts !== undefined) counts.requested++;
    if (this.#open.size < maxOpen) this.#open.set(encodeBase64url(leafHash), index);
  }

  #countResult(index: number, entry: Entry): void {
    const counts = this.#toolOf(entry);
    if (counts !== undefined) counts[entry['outcome'] === 'ok' ? 'ok' : 'failed']++;
    const { intent } = entry;
    if (typeof intent !== 'string' || !this.#open.delete(intent)) this.#tallies.resultsWithoutRequest.add(index);
  }

  #countRefusal(entry: Entry): void {
    const counts = this.#toolOf(entry);
    if (counts !== undefined) counts.refused++;
    const { policy } = entry as { readonly policy?: { readonly code?: unknown } };
    const refusal = this.#refusals.of(typeof policy?.code === 'string' ? policy.code : '(no code)');
    if (refusal !== undefined) refusal.count++;
  }

  #countGap(index: number, { gap, lost, previous_stopped }: Entry): void {
    if (gap === 'start' && previous_stopped === false) this.#tallies.crashes.add(index);
    if (gap === 'fork') this.#tallies.forks.add(index);
    if (typeof lost !== 'number') return;
    this.#tallies.lost.add(index);
    this.#lostEvents += lost;
  }
}

function partsOf(start: number, end: number): { readonly start: number; readonly end: number }[] {
  return Array.from({ length: Math.ceil((end - start) / maxRangeEntries) }, (_, i) => ({
    start: start + i * maxRangeEntries,
    end: Math.min(end, start + (i + 1) * maxRangeEntries),
  }));
}
