/** The private store of tests and of clients without a home. Gone with the process. @module */
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { ErasedOpenings, ErasureTask, LegalHold, OpeningsOfEntry, PrivateStore, StoredOpening, Subject } from './private-store.ts';

export function memoryPrivateStore(): PrivateStore {
  return new MemoryPrivateStore();
}

class MemoryPrivateStore implements PrivateStore {
  readonly #openings = new Map<number, readonly StoredOpening[]>();
  readonly #subjects = new Map<string, Subject>();
  readonly #holds = new Map<string, LegalHold>();
  readonly #recipients = new Map<number, Set<string>>();
  #task: ErasureTask | undefined;
  #finished = 0;
  #saved = 0;
  #saveFailure: StoreError | undefined;
  #closed = false;

  async loadOpenings(index: number): Promise<readonly StoredOpening[]> {
    this.#requireOpen();
    return this.#openings.get(index) ?? [];
  }

  async loadSubject(ref: string): Promise<Subject | undefined> {
    this.#requireOpen();
    return [...this.#subjects.values()].find((subject) => subject.ref === ref);
  }

  async saveOpenings(entries: readonly OpeningsOfEntry[]): Promise<void> {
    this.#requireOpen();
    if (entries.some(({ index }) => this.#openings.has(index))) this.#saveFailure ??= conflict('openings of this entry are kept already');
    if (this.#saveFailure !== undefined) throw this.#saveFailure;
    for (const { index, openings } of entries) {
      this.#openings.set(index, openings);
      this.#saved = Math.max(this.#saved, index + 1);
    }
  }

  async saved(): Promise<number> {
    this.#requireOpen();
    return this.#saved;
  }

  async trim(size: number): Promise<void> {
    this.#requireOpen();
    for (const index of this.#openings.keys()) if (index >= size) this.#openings.delete(index);
  }

  async indices(of: { readonly subject: string } | { readonly from: number; readonly limit: number }): Promise<readonly number[]> {
    this.#requireOpen();
    const all = [...this.#openings.keys()].toSorted((a, b) => a - b);
    if ('subject' in of) return all.filter((index) => this.#openings.get(index)?.some(({ subject }) => subject === of.subject));
    return all.filter((index) => index >= of.from).slice(0, of.limit);
  }

  async findSubject(name: string): Promise<Subject | undefined> {
    this.#requireOpen();
    return this.#subjects.get(name);
  }

  async ensureSubject(name: string, fresh: Subject): Promise<Subject> {
    this.#requireOpen();
    const kept = this.#subjects.get(name) ?? fresh;
    this.#subjects.set(name, kept);
    return kept;
  }

  async begin(task: ErasureTask, subject?: string): Promise<void> {
    this.#requireOpen();
    if (this.#task !== undefined || task.number !== this.#finished + 1) throw conflict('another erasure is under way');
    this.#task = task;
    // The key is dropped and not overwritten: an append under way may hold it, and must not seal under zeros.
    for (const [name, { ref }] of this.#subjects) if (ref === subject) this.#subjects.delete(name);
  }

  async pending(): Promise<ErasureTask | undefined> {
    this.#requireOpen();
    return this.#task;
  }

  async finished(): Promise<number> {
    this.#requireOpen();
    return this.#finished;
  }

  async erase(erased: ErasedOpenings): Promise<number> {
    this.#requireOpen();
    const indices = 'subject' in erased ? await this.indices(erased) : erased.indices;
    const goes = (opening: StoredOpening): boolean =>
      'subject' in erased ? opening.subject === erased.subject : erased.field === undefined || opening.field === erased.field;
    let count = 0;
    for (const index of indices) {
      const openings = this.#openings.get(index) ?? [];
      const kept = openings.filter((opening) => !goes(opening));
      count += openings.length - kept.length;
      if (kept.length === 0) this.#openings.delete(index);
      else this.#openings.set(index, kept);
    }
    return count;
  }

  async finish(number: number): Promise<void> {
    this.#requireOpen();
    this.#finished = Math.max(this.#finished, number);
    if (this.#task !== undefined && this.#task.number <= number) this.#task = undefined;
  }

  async saveHold(hold: LegalHold): Promise<void> {
    this.#requireOpen();
    this.#holds.set(hold.id, hold);
  }

  async removeHold(id: string): Promise<void> {
    this.#requireOpen();
    this.#holds.delete(id);
  }

  async holds(): Promise<readonly LegalHold[]> {
    this.#requireOpen();
    return [...this.#holds.values()];
  }

  async saveDisclosures(indices: readonly number[], recipient: string): Promise<void> {
    this.#requireOpen();
    for (const index of indices) this.#recipients.set(index, (this.#recipients.get(index) ?? new Set<string>()).add(recipient));
  }

  async recipients(index: number): Promise<readonly string[]> {
    this.#requireOpen();
    return [...(this.#recipients.get(index) ?? [])].toSorted();
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #requireOpen(): void {
    if (this.#closed) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this private store was closed: open another one' });
  }
}

function conflict(message: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message });
}
