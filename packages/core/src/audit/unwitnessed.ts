/** How long a log was on its own: the entries and the time between checkpoints that a quorum of its witnesses cosigned. @module */
import type { AuditStore } from './audit-store.ts';
import type { CosignatureStore, StoredCosignature } from './cosignature-store.ts';
import { AuditError } from '../errors/audit-error.ts';
import type { TlogPolicy } from './tlog-policy.ts';
import type { VerifierKey } from './verifier-key.ts';
import { verifyWitnessed } from './verify-witnessed.ts';

/** Sizes read at once. */
const sizesPerRead = 500;

export type UnwitnessedSpan = { readonly from: number; readonly to: number };

export type Unwitnessed = {
  /** The largest size that a quorum cosigned, and when the last of it did, seconds since 1970; 0 and undefined if none. */
  readonly witnessedSize: number;
  readonly witnessedAt: number | undefined;
  /** Entries `from` up to `to − 1`: the most that were written between two witnessed sizes, or since the last one. */
  readonly longest: UnwitnessedSpan;
  /** The longest time between two witnessed checkpoints, or since the last one if `nowS` is given. Undefined if none was witnessed. */
  readonly longestSeconds: number | undefined;
};

export type MeasureUnwitnessedOptions = {
  readonly store: AuditStore;
  readonly cosignatures: CosignatureStore;
  /** A quorum of none counts every cosigned checkpoint. */
  readonly policy: TlogPolicy;
  readonly log: VerifierKey;
  /** Seconds since 1970. */
  readonly nowS?: number;
};

/**
 * Verifies every stored cosignature again, and says where the longest unwitnessed span is. A checkpoint whose cosignatures are no quorum
 * counts as not witnessed.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` if a stored line is not what its witness signed.   @throws {@link StoreError}.
 */
export async function measureUnwitnessed(options: MeasureUnwitnessedOptions): Promise<Unwitnessed> {
  const { store, cosignatures, nowS } = options;
  const spans = new Spans();
  for (let from = 0; ;) {
    const read = await cosignatures.loadCosignatures(from, sizesPerRead);
    for (const [size, lines] of bySize(read)) {
      const checkpoint = await store.loadCheckpoint(size);
      const time = checkpoint && witnessedTime(`${checkpoint.note}${lines.map(({ line }) => `${line}\n`).join('')}`, options);
      if (time !== undefined) spans.add(size, time);
    }
    const last = read.at(-1);
    if (last === undefined) break;
    from = last.size + 1;
  }
  return spans.close((await store.loadHead()).size, nowS);
}

/** When the last witness of a quorum had cosigned. */
function witnessedTime(note: string, { policy, log }: MeasureUnwitnessedOptions): number | undefined {
  try {
    const { witnessedBy } = verifyWitnessed(note, { policy, log });
    return witnessedBy.length === 0 ? undefined : Math.max(...witnessedBy.map(({ time }) => time));
  } catch (error) {
    if (AuditError.isInstance(error) && error.code === 'TALOS_AUDIT_NOT_WITNESSED') return undefined;
    throw error;
  }
}

class Spans {
  #size = 0;
  #time: number | undefined;
  #longest: UnwitnessedSpan = { from: 0, to: 0 };
  #seconds: number | undefined;

  add(size: number, time: number): void {
    this.#extend(size);
    this.#wait(time);
    this.#size = size;
    this.#time = time;
  }

  close(size: number, nowS: number | undefined): Unwitnessed {
    this.#extend(size);
    if (nowS !== undefined) this.#wait(nowS);
    return { witnessedSize: this.#size, witnessedAt: this.#time, longest: this.#longest, longestSeconds: this.#seconds };
  }

  #extend(to: number): void {
    if (to - this.#size > this.#longest.to - this.#longest.from) this.#longest = { from: this.#size, to };
  }

  /** Clocks of witnesses may differ: a step back is no wait. */
  #wait(until: number): void {
    if (this.#time !== undefined) this.#seconds = Math.max(this.#seconds ?? 0, until - this.#time);
  }
}

function bySize(cosignatures: readonly StoredCosignature[]): Map<number, StoredCosignature[]> {
  const groups = new Map<number, StoredCosignature[]>();
  for (const each of cosignatures) groups.set(each.size, [...(groups.get(each.size) ?? []), each]);
  return groups;
}
