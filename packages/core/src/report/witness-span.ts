/**
 * How long entries stood without a witness: from the time of the first that no cosigned checkpoint covered yet to the time at which a quorum had
 * cosigned one that does. Until then the log's own key could have told another history. @module
 */
import { equalBytes } from '../bytes/equal.ts';
import { AuditError } from '../errors/audit-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import { verifyWitnessed } from '../audit/verify-witnessed.ts';
import { parseTlogPolicy, type TlogPolicy } from '../audit/tlog-policy.ts';
import type { VerifierKey } from '../audit/verifier-key.ts';
import type { UnwitnessedSpan, WitnessFacts } from './report-facts.ts';

/** Cosigned notes as their holder kept them, and the policy under which they count. Both are the reader's. */
export type ReportWitnesses = { readonly policy: string | TlogPolicy; readonly notes: readonly string[] };

type Seen = { readonly size: number; readonly root: Uint8Array; readonly atMs: number };

export class WitnessSpans {
  readonly #seen: readonly Seen[];
  readonly #refused: number;
  #next = 0;
  #open: { readonly start: number; readonly sinceMs: number } | undefined;
  #longest: UnwitnessedSpan | undefined;

  constructor({ policy, notes }: ReportWitnesses, key: VerifierKey) {
    const parsed = typeof policy === 'string' ? parseTlogPolicy(policy) : policy;
    const seen = notes.map((note) => readNote(note, { policy: parsed, key }));
    this.#seen = seen.filter((each) => each !== undefined).toSorted((a, b) => a.size - b.size || a.atMs - b.atMs);
    this.#refused = seen.length - this.#seen.length;
  }

  /** @throws {@link AuditError} `TALOS_AUDIT_DIVERGED` if the witnesses saw another tree of this size. */
  grow(size: number, root: () => Uint8Array): void {
    for (; this.#seen[this.#next]?.size === size; this.#next++) {
      const { root: seen, atMs } = this.#seen[this.#next] as Seen;
      if (!equalBytes(seen, root()))
        throw new AuditError({ code: 'TALOS_AUDIT_DIVERGED', message: `the witnesses cosigned another tree of ${size} entries: this log has two histories` });
      this.#end(size, { atMs, ended: true });
    }
  }

  add(index: number, timeMs: number): void {
    this.#open ??= { start: index, sinceMs: timeMs };
  }

  facts(end: number, endMs: number): WitnessFacts {
    this.#end(end, { atMs: endMs, ended: false });
    return { checkpoints: this.#seen.length, longest: this.#longest, refused: this.#refused };
  }

  #end(end: number, { atMs, ended }: { readonly atMs: number; readonly ended: boolean }): void {
    const open = this.#open;
    if (open === undefined) return;
    const milliseconds = Math.max(0, atMs - open.sinceMs);
    if (this.#longest === undefined || milliseconds > this.#longest.milliseconds) this.#longest = { start: open.start, end, milliseconds, ended };
    this.#open = undefined;
  }
}

/** Undefined for a note that proves nothing under this policy: it shortens no span. The time is that of the last witness, so a quorum stood by then. */
function readNote(note: string, { policy, key }: { readonly policy: TlogPolicy; readonly key: VerifierKey }): Seen | undefined {
  try {
    const { checkpoint, witnessedBy } = verifyWitnessed(note, { policy, log: key });
    // A policy that asks for nobody is met by nobody: without a cosignature there is no time at which it was.
    if (witnessedBy.length === 0) return undefined;
    return { size: checkpoint.size, root: checkpoint.root, atMs: Math.max(...witnessedBy.map(({ time }) => time)) * 1000 };
  } catch (error) {
    if (TalosError.isInstance(error) && error.code.startsWith('TALOS_AUDIT_')) return undefined;
    throw error;
  }
}
