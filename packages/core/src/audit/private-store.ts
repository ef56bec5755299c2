/** Where salts, payloads and the keys of persons are, apart from the entries: what may be erased, and nothing else. @module */
import type { JsonObject } from '../bytes/json-value.ts';
import type { Opening } from './commitment.ts';

export type OpeningsOfEntry = { readonly index: number; readonly openings: readonly StoredOpening[] };

/** Bytes of a person's key. */
export const subjectKeyLength = 32;

/** As a store keeps it: of a person's payload `salt` is what the salt was derived with, `payload` is sealed. */
export type StoredOpening = Opening & {
  /** The person's reference; absent if nobody was named, and then the opening is as it was committed to. */
  readonly subject?: string | undefined;
};

export type SubjectKey = { readonly ref: string; readonly key: Uint8Array };

/** A person whom payloads are about. `since`: ms since 1970; copies of the store from before hold no key of theirs. */
export type Subject = SubjectKey & { readonly since: number };

/** An erasure that was begun. It is done anew until it is finished, so each of its steps may be done twice. */
export type ErasureTask = {
  /** From 1, without a gap: the `erasure` entry has the id `erasure:<number>`. */
  readonly number: number;
  /** The members of the entry. */
  readonly entry: JsonObject;
};

/** What a legal hold keeps: everything, one person's payloads, or the entries `from` up to `to − 1`. */
export type LegalHold = {
  readonly id: string;
  readonly reason: string;
  readonly authority: string;
  readonly subject?: string;
  readonly from?: number;
  readonly to?: number;
};

/** Payloads to delete: all of one person, or those of entries, of one field or of all. */
export type ErasedOpenings = { readonly subject: string } | { readonly indices: readonly number[]; readonly field?: string | undefined };

export interface PrivateReader {
  /** In the order in which they were committed to; none for an index without. */
  loadOpenings(index: number): Promise<readonly StoredOpening[]>;
  loadSubject(ref: string): Promise<Subject | undefined>;
  close(): Promise<void>;
}

/**
 * One writer. Every write is durable when its promise resolves, calls take effect in order. Rejects with a {@link StoreError}.
 */
export interface PrivateStore extends PrivateReader {
  /** In ascending order of indices. After one that failed every later one fails too, until the store is opened again: what is kept has no gap. */
  saveOpenings(entries: readonly OpeningsOfEntry[]): Promise<void>;
  /** One more than the largest index whose openings were ever kept, also if they were erased or dropped since. */
  saved(): Promise<number>;
  /** Drops openings of `size` and above: their entries did not become durable. */
  trim(size: number): Promise<void>;
  /** Indices of entries with openings, ascending: of one person, or of all from `from` on, at most `limit`. */
  indices(of: { readonly subject: string } | { readonly from: number; readonly limit: number }): Promise<readonly number[]>;
  /** The person of this name; undefined if there is none, or if they were erased. */
  findSubject(name: string): Promise<Subject | undefined>;
  /** Keeps `fresh` under a name that has no key yet, and returns what is kept. */
  ensureSubject(name: string, fresh: Subject): Promise<Subject>;
  /**
   * **From here there is no way back**: keeps the task and, if it is about a person, destroys their name and key in the same transaction.
   * Rejects with `TALOS_STORE_CONFLICT` while another is under way, or if its number is not the next one.
   */
  begin(task: ErasureTask, subject?: string): Promise<void>;
  /** The task under way. */
  pending(): Promise<ErasureTask | undefined>;
  /** How many erasures were finished. */
  finished(): Promise<number>;
  /**
   * Deletes, and leaves no trace of what was deleted in any file of the store; also of keys that `begin` destroyed. Returns how many payloads went.
   * Rejects with `TALOS_STORE_CONFLICT`, retryable, while a reader holds a file in its old state.
   */
  erase(openings: ErasedOpenings): Promise<number>;
  finish(number: number): Promise<void>;
  saveHold(hold: LegalHold): Promise<void>;
  removeHold(id: string): Promise<void>;
  holds(): Promise<readonly LegalHold[]>;
  /** Who was given openings: kept, so that an erasure can name them. */
  saveDisclosures(indices: readonly number[], recipient: string): Promise<void>;
  recipients(index: number): Promise<readonly string[]>;
}
