/** What an evidence file claims, one by one, and what became of each (docs/spec/08 §4). @module */
import type { SequenceFinding } from '../audit/recorder-run.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { RestingState } from './receipts-at-rest.ts';

/** `not-checked` is not green: the reader gave no trust, or nothing that could check it. */
export type ClaimStatus = 'verified' | 'failed' | 'not-checked';

export type ClaimKind =
  /** The log's key signed this size and root. */
  | 'checkpoint'
  /** A witness cosigned a checkpoint. */
  | 'cosignature'
  /** The cosignatures are the quorum of the reader's policy. */
  | 'witnessed'
  /** The later of two trees begins with the earlier one. */
  | 'consistency'
  /** All checkpoints of this log in the file are of one history. */
  | 'one-history'
  /** The log still holds what the reader saw last. */
  | 'last-seen'
  /** This entry stands at this index. */
  | 'entry'
  /** These are all entries of the window. */
  | 'range'
  /** No recorder's sequence has a gap in the window. */
  | 'sequence'
  /** A commitment opens to this payload. */
  | 'disclosure'
  /** These keys spoke for this agent. */
  | 'history'
  /** A call between two agents, as far as they signed it. */
  | 'receipt'
  /** What somebody else says about a checkpoint. */
  | 'foreign';

export type FailureCode =
  | 'CHECKPOINT_REFUSED'
  | 'CHECKPOINT_OTHER_ORIGIN'
  | 'CHECKPOINT_OTHER_SIZE'
  /** The proof leads to a checkpoint that is not in the file. */
  | 'CHECKPOINT_MISSING'
  /** The proof leads to a checkpoint that failed. */
  | 'CHECKPOINT_FAILED'
  | 'COSIGNATURE_REFUSED'
  | 'QUORUM_NOT_MET'
  | 'CONSISTENCY_REFUSED'
  /** Two heads of one size, or a proof that fails: a split view, or another log under this name. */
  | 'DIVERGED'
  | 'INCLUSION_REFUSED'
  | 'ENTRY_REFUSED'
  | 'SEQUENCE_BROKEN'
  /** The entry that is opened is not in the file, or failed. */
  | 'ENTRY_MISSING'
  | 'COMMITMENT_REFUSED'
  | 'HISTORY_REFUSED'
  /** Two signed events with one sequence. */
  | 'HISTORY_EQUIVOCATION'
  | 'RECEIPT_REFUSED'
  /** Not by a key that spoke for this party at that time. */
  | 'RECEIPT_SIGNATURE_REFUSED'
  /** Two outcomes of one call, both signed. */
  | 'RECEIPT_CONFLICTS'
  | 'FOREIGN_REFUSED';

export type NotCheckedCode =
  /** The reader trusts no key of this log. */
  | 'LOG_NOT_TRUSTED'
  | 'WITNESS_NOT_TRUSTED'
  | 'AGENT_NOT_TRUSTED'
  /** No verifier for this kind was plugged in. */
  | 'NO_VERIFIER'
  /** The head that the proof begins with is neither in the file nor the one that the reader saw last. */
  | 'OLD_HEAD_UNKNOWN'
  /** An outcome whose request is not in the file, or a countersignature without its outcome. */
  | 'RECEIPT_INCOMPLETE'
  /** No proof leads from one checkpoint to the next. */
  | 'NOT_LINKED';

export type Verdict =
  | {
      readonly status: 'verified';
      readonly detail: string;
      /** Seconds since 1970 at which the checkpoint existed, as the witness or the foreign verifier says. */
      readonly time?: number;
    }
  | { readonly status: 'failed'; readonly code: FailureCode; readonly detail: string }
  | { readonly status: 'not-checked'; readonly code: NotCheckedCode; readonly detail: string };

export type Claim = Verdict & {
  readonly kind: ClaimKind;
  /** Where it stands in the file: `logs[0].entries[3]`. */
  readonly at: string;
  /** The log that it is about. */
  readonly origin?: string;
  /** How far the receipt came. */
  readonly receipt?: RestingState;
  /** Of a broken sequence: what was left out, and where. */
  readonly findings?: readonly SequenceFinding[];
};

export function verified(detail: string): Verdict {
  return { status: 'verified', detail };
}

export function failed(code: FailureCode, detail: string): Verdict {
  return { status: 'failed', code, detail };
}

export function notChecked(code: NotCheckedCode, detail: string): Verdict {
  return { status: 'not-checked', code, detail };
}

/** Runs a check that throws. Only an error with a code is a verdict; another one is a fault of ours and is not swallowed. */
export function judge(check: () => string, code: FailureCode): Verdict {
  try {
    return verified(check());
  } catch (error) {
    if (!TalosError.isInstance(error)) throw error;
    return failed(code, error.message);
  }
}
