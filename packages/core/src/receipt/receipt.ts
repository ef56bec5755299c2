/** R, S and A together: what one side can prove of a call (docs/spec/07 §6). @module */
import { readCountersignature, verifyCountersignature } from './countersign.ts';
import { formatEnvelope } from './dsse.ts';
import { readOutcome, verifyOutcome, type OutcomeClaims } from './outcome.ts';
import { refuse } from './refuse.ts';
import type { ReceiptKeys } from './receipt-keys.ts';
import { verifyRequest, type Request } from './request.ts';

/** As they travelled and as both logs hold them. */
export type Receipt = {
  /** R. */
  readonly request: string;
  /** S. */
  readonly outcome?: string;
  /** A. */
  readonly countersignature?: string;
};

/** `requested`: the callee has said nothing. `tool-signed`: the caller has not agreed. */
export type ReceiptState = 'requested' | 'tool-signed' | 'both-signed';

export type VerifiedReceipt = {
  readonly state: ReceiptState;
  readonly request: Request;
  readonly outcome?: OutcomeClaims;
};

/**
 * Checks a receipt against keys that the reader trusts, each part against the one before it.
 * @throws {@link ReceiptError} `TALOS_RECEIPT_MALFORMED`, `_SIGNATURE`, `_MISMATCH`: none of it proves anything then.
 */
export function verifyReceipt(receipt: Receipt, { caller, callee }: ReceiptKeys): VerifiedReceipt {
  const request = verifyRequest(receipt.request, caller);
  if (receipt.outcome === undefined) {
    if (receipt.countersignature !== undefined) throw refuse('TALOS_RECEIPT_MISMATCH', 'the countersignature is of an outcome that is not here');
    return { state: 'requested', request };
  }
  const outcome = verifyOutcome(receipt.outcome, { request, callee });
  if (receipt.countersignature === undefined) return { state: 'tool-signed', request, outcome: outcome.claims };
  verifyCountersignature(receipt.countersignature, { outcome, caller });
  return { state: 'both-signed', request, outcome: outcome.claims };
}

/**
 * The outcome with both signatures, the callee's first: one DSSE envelope that other tools verify.
 * @throws {@link ReceiptError} as `verifyReceipt`: what does not hold together is not joined.
 */
export function joinReceipt(receipt: Required<Receipt>, keys: ReceiptKeys): string {
  verifyReceipt(receipt, keys);
  const { payload, signature } = readOutcome(receipt.outcome);
  return formatEnvelope({ payload, signatures: [signature, readCountersignature(receipt.countersignature).signature] });
}
