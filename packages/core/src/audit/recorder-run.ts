/**
 * Checks recorder sequences entry by entry. The tree proves what the log holds; the sequence proves that the log left nothing out of what
 * a recorder wrote, and names the entry where it did (docs/spec/03 §4). @module
 */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { Entry } from './entry.ts';

/** What a window holds of one recorder. */
export type RecorderRun = {
  readonly recorder: string;
  /** `recorder_seq` of its first and last entry here. */
  readonly first: number;
  readonly last: number;
  /** Index of its last entry here. */
  readonly lastIndex: number;
  readonly stopped: boolean;
  /** Events that it counted as lost. */
  readonly lost: number;
};

export type SequenceCode =
  /** The sequence leaves out numbers before this entry. */
  | 'RECORDER_GAP'
  /** It stands after an entry that its recorder wrote later. */
  | 'ENTRY_MOVED'
  /** A number that its recorder had used before. */
  | 'ENTRY_REPEATED'
  /** The next entry of its recorder was written after another entry than this one. */
  | 'CHAIN_BROKEN';

export type SequenceFinding = { readonly code: SequenceCode; readonly index: number; readonly detail: string };

export type SequencedEntry = { readonly index: number; readonly leafHash: Uint8Array; readonly entry: Entry };

/** Missing numbers that are remembered, of all recorders, so that a moved entry is told from a missing one. Forged jumps must not fill the memory. */
const maxMissing = 10_000;

type State = {
  first: number;
  last: number;
  lastIndex: number;
  lastHash: string;
  stopped: boolean;
  lost: number;
  /** Index before which each number is missing. */
  readonly missing: Map<number, number>;
};

export class SequenceChecker {
  readonly #states = new Map<string, State>();
  readonly #findings: SequenceFinding[] = [];
  readonly #fromStart: boolean;
  #missing = 0;

  /** @param options - `fromStart`: every recorder has to begin at 0, as in a whole log; a window may begin anywhere. */
  constructor({ fromStart }: { readonly fromStart: boolean }) {
    this.#fromStart = fromStart;
  }

  add({ index, leafHash, entry }: SequencedEntry): void {
    const sequence = entry.recorder_seq;
    const state = this.#states.get(entry.recorder) ?? this.#begin(entry);
    const next = state.last + 1;
    if (sequence < next) {
      this.#late(state, { index, sequence });
      return;
    }
    if (sequence > next) this.#skip(state, { index, next, sequence });
    else if (sequence > 0 && state.lastHash !== '' && entry.recorder_prev !== state.lastHash)
      this.#find('CHAIN_BROKEN', state.lastIndex, `the entry that follows it, ${index}, was written after another one`);
    state.last = sequence;
    state.lastIndex = index;
    state.lastHash = encodeBase64url(leafHash);
    state.stopped = entry.type === 'gap' && entry['gap'] === 'stop';
    if (entry.type === 'gap' && typeof entry['lost'] === 'number') state.lost += entry['lost'];
  }

  runs(): RecorderRun[] {
    return [...this.#states].map(([recorder, { first, last, lastIndex, stopped, lost }]) => ({ recorder, first, last, lastIndex, stopped, lost }));
  }

  /** Of everything added so far. A number that is missing counts once per place. */
  findings(): SequenceFinding[] {
    const gaps = new Map<number, number>();
    for (const { missing } of this.#states.values()) for (const index of missing.values()) gaps.set(index, (gaps.get(index) ?? 0) + 1);
    const found = [...gaps].map(([index, count]): SequenceFinding => ({
      code: 'RECORDER_GAP',
      index,
      detail: `at least ${count} entries of its recorder are missing before it`,
    }));
    return [...this.#findings, ...found].toSorted((a, b) => a.index - b.index);
  }

  #begin(entry: Entry): State {
    const first = this.#fromStart ? 0 : entry.recorder_seq;
    const state: State = { first, last: first - 1, lastIndex: -1, lastHash: '', stopped: false, lost: 0, missing: new Map() };
    this.#states.set(entry.recorder, state);
    return state;
  }

  #skip(state: State, { index, next, sequence }: { readonly index: number; readonly next: number; readonly sequence: number }): void {
    if (this.#missing >= maxMissing) this.#find('RECORDER_GAP', index, 'entries of its recorder are missing before it');
    for (let number = next; number < sequence && this.#missing < maxMissing; number++, this.#missing++) state.missing.set(number, index);
  }

  #late(state: State, { index, sequence }: { readonly index: number; readonly sequence: number }): void {
    if (state.missing.delete(sequence)) {
      this.#missing--;
      this.#find('ENTRY_MOVED', index, `its recorder wrote it as number ${sequence}, before entry ${state.lastIndex}`);
    } else this.#find('ENTRY_REPEATED', index, `its recorder used number ${sequence} before`);
  }

  #find(code: SequenceCode, index: number, detail: string): void {
    this.#findings.push({ code, index, detail });
  }
}
