/** The receipts that `test/vectors/talos/v1/receipt.json` freezes: keys of fixed bytes, Ed25519 without randomness. */
import type { JsonValue } from '../../../src/bytes/json-value.ts';
import { encodeHex } from '../../../src/bytes/hex.ts';
import { ReceiptError } from '../../../src/errors/receipt-error.ts';
import { joinReceipt, verifyReceipt, type Receipt } from '../../../src/receipt/index.ts';
import { callee, caller, claimsOf, keys, makeReceipt, makeRequest, salt, stranger, withChunks, withValue } from '../support.ts';
import { signOutcome } from '../../../src/receipt/outcome.ts';

export type ReceiptVectors = {
  readonly caller: string;
  readonly callee: string;
  /** Hex. */
  readonly salt: string;
  readonly accepted: readonly (Required<Receipt> & {
    readonly name: string;
    readonly value?: JsonValue;
    readonly chunks?: readonly JsonValue[];
    readonly joined: string;
  })[];
  readonly refused: readonly (Receipt & { readonly name: string; readonly code: string })[];
};

export const receiptVectorFile: URL = new URL('../../../../../test/vectors/talos/v1/receipt.json', import.meta.url);

export async function makeReceiptVectors(): Promise<ReceiptVectors> {
  const value = { image: 'chart.svg', width: 640 };
  const chunks = ['one', { n: 2 }, null];
  const json = await makeReceipt('receipt json', withValue(value));
  const stream = await makeReceipt('receipt stream', withChunks(chunks));
  const denied = await makeReceipt('receipt denied', { decision: 'deny', code: 'ARG_VIOLATES', outcome: 'denied' });
  const unknown = await makeReceipt('receipt unknown', { outcome: 'unknown' });
  const named = [
    { name: 'one value', value, ...json },
    { name: 'three chunks', chunks, ...stream },
    { name: 'refused', ...denied },
    { name: 'unknown', ...unknown },
  ];
  const accepted = named.map((vector) => ({ ...vector, joined: joinReceipt(vector, keys) }));
  return { caller: caller.did, callee: callee.did, salt: encodeHex(salt), accepted, refused: await refusedReceipts(json, stream) };
}

async function refusedReceipts(json: Required<Receipt>, other: Required<Receipt>): Promise<ReceiptVectors['refused']> {
  const foreign = await makeRequest('receipt json', { tool: 'render_chart', input: { rows: 3 }, signer: stranger.signer });
  const forged = await signOutcome(claimsOf(json.request), stranger.signer);
  const cases: readonly (Receipt & { readonly name: string })[] = [
    { ...json, name: 'the request of a stranger', request: foreign },
    { ...json, name: 'the outcome by a stranger', outcome: forged },
    { ...json, name: 'the outcome of another request', outcome: other.outcome },
    { ...json, name: 'the countersignature of another outcome', countersignature: other.countersignature },
    { name: 'a countersignature without an outcome', request: json.request, countersignature: json.countersignature },
    { ...json, name: 'a request with another signature', request: json.request.replace(/.{4}$/, 'AAAA') },
    { ...json, name: 'an outcome with a space', outcome: json.outcome.replace(':', ': ') },
    { ...json, name: 'an outcome with both signatures in place of one', outcome: joinReceipt(json, keys) },
    { ...json, name: 'a countersignature with its members in another order', countersignature: JSON.stringify(reversed(json.countersignature)) },
    { ...json, name: 'the callee’s own signature as the countersignature', countersignature: selfSigned(json) },
  ];
  return cases.map((receipt) => ({ ...receipt, code: codeOf(receipt) }));
}

function reversed(text: string): object {
  return Object.fromEntries(Object.entries(JSON.parse(text) as object).toReversed());
}

/** Withheld agreement cannot be made up for by the callee. */
function selfSigned({ outcome, countersignature }: Required<Receipt>): string {
  const { keyid, sig } = (JSON.parse(outcome) as { signatures: [{ keyid: string; sig: string }] }).signatures[0];
  const { statement } = JSON.parse(countersignature) as { statement: string };
  return JSON.stringify({ keyid, sig, statement });
}

export function codeOf(receipt: Receipt): string {
  try {
    return verifyReceipt(receipt, keys).state;
  } catch (error) {
    if (ReceiptError.isInstance(error)) return error.code;
    throw error;
  }
}
