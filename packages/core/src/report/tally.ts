/** Counts with a bound: a report over millions of entries lists the first of each kind and counts the rest. @module */
import type { JsonValue } from '../bytes/json-value.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { Entry } from '../audit/entry.ts';
import type { Counted, Listed, ListedEntry } from './report-facts.ts';

/** Enough to look into; `count` says how many there are. */
const maxIndices = 100;
const maxListed = 200;
/** Distinct names that are counted one by one. A hostile agent could invent one per call. */
const maxNames = 1000;
const maxDetail = 300;

export class IndexTally {
  #count = 0;
  readonly #indices: number[] = [];

  add(index: number): void {
    this.#count++;
    if (this.#indices.length < maxIndices) this.#indices.push(index);
  }

  counted(): Counted {
    return { count: this.#count, indices: this.#indices };
  }
}

export class EntryList {
  #count = 0;
  readonly #entries: ListedEntry[] = [];

  add(index: number, entry: Entry): void {
    this.#count++;
    if (this.#entries.length >= maxListed) return;
    const { agent } = entry;
    this.#entries.push({ index, time: entry.time, type: entry.type, agent: typeof agent === 'string' ? agent : '', detail: detailOf(entry) });
  }

  listed(): Listed {
    return { count: this.#count, entries: this.#entries };
  }
}

const shown: ReadonlySet<string> = /* @__PURE__ */ new Set(['v', 'type', 'id', 'time', 'recorder', 'recorder_seq', 'recorder_prev', 'agent']);

/** What the entry says beside where it stands: its own words, shortened, never interpreted. */
function detailOf(entry: Entry): string {
  const rest = Object.fromEntries(Object.entries(entry).filter(([name]) => !shown.has(name))) as Record<string, JsonValue>;
  const text = canonicalJson(rest);
  return text.length > maxDetail ? `${text.slice(0, maxDetail).toWellFormed()} …` : text;
}

/** Numbers by name, of the first thousand names. */
export class NameTally<T> {
  readonly #byName = new Map<string, T>();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** Undefined for a name beyond the bound. */
  of(name: string): T | undefined {
    const present = this.#byName.get(name);
    if (present !== undefined || this.#byName.size >= maxNames) return present;
    const made = this.#make();
    this.#byName.set(name, made);
    return made;
  }

  get full(): boolean {
    return this.#byName.size >= maxNames;
  }

  entries(): [string, T][] {
    return [...this.#byName].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}
