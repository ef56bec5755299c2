/** Compares what two parties keep of their calls: the difference is data, not an opinion (docs/spec/08 §6). @module */
import { requireObject } from '../errors/require.ts';
import type { ReceiptPart } from '../receipt/receipt-entry.ts';
import type { ReceiptFault, ReceiptsAtRest, RestingReceipt } from './receipts-at-rest.ts';

export type ReconcileCode =
  /** One log holds the part and the other does not. */
  | 'PART_MISSING'
  /** Both hold it, in two texts. */
  | 'PART_DIFFERS'
  /** The caller disputes the outcome. */
  | 'DISPUTED'
  /** A part in one of the logs does not verify. */
  | 'PART_INVALID';

export type Difference = {
  readonly code: ReconcileCode;
  /** SHA-256 of R, base64url; empty where an invalid part names none. */
  readonly request: string;
  readonly part: ReceiptPart;
  /** The log that lacks the part, or holds the invalid one. */
  readonly in?: 'a' | 'b';
  readonly tool?: string;
  readonly call?: string;
  /** Index of the part in each log that holds it. */
  readonly a?: number;
  readonly b?: number;
  readonly detail?: string;
};

/** A call that one log shows and nobody signed: the other log has nothing to compare it with. */
export type ObservedCall = { readonly in: 'a' | 'b'; readonly index: number; readonly callee: string; readonly tool: string; readonly call: string };

/** Plain JSON. */
export type Reconciliation = {
  readonly format: 'talos/reconcile/v1';
  /** Calls of which both logs hold the same parts, undisputed. */
  readonly agreed: number;
  readonly differences: readonly Difference[];
  /** By log and index; absent if there are none. */
  readonly observed?: readonly ObservedCall[];
};

const compared: readonly ReceiptPart[] = ['request', 'outcome', 'countersignature'];

/** @param logs - what `receiptsAtRest` read of each side's log. Calls of the two with others are in one log only: pass those of this pair. */
export function reconcile(
  logs: { readonly a: ReceiptsAtRest; readonly b: ReceiptsAtRest },
  pair?: { readonly caller: string; readonly callee: string },
): Reconciliation {
  requireObject('logs', logs);
  const [a, b] = [byRequest(logs.a, pair), byRequest(logs.b, pair)];
  const differences: Difference[] = [];
  let agreed = 0;
  for (const request of new Set([...a.keys(), ...b.keys()])) {
    const found = compare(request, a.get(request), b.get(request));
    differences.push(...found);
    if (found.length === 0) agreed++;
  }
  for (const side of ['a', 'b'] as const) for (const fault of logs[side].faults) differences.push(invalid(side, fault));
  const observed = (['a', 'b'] as const).flatMap((side) => observedIn(side, ofPair(logs[side], pair)));
  return { format: 'talos/reconcile/v1', agreed, differences, ...(observed.length === 0 ? {} : { observed }) };
}

type Pair = { readonly caller: string; readonly callee: string } | undefined;

function ofPair({ receipts }: ReceiptsAtRest, pair: Pair): readonly RestingReceipt[] {
  return receipts.filter(({ caller, callee }) => pair === undefined || (caller === pair.caller && callee === pair.callee));
}

/** Observed calls have no receipt that another log could hold too. */
function byRequest(log: ReceiptsAtRest, pair: Pair): Map<string, RestingReceipt> {
  const signed = ofPair(log, pair).filter(({ state }) => state !== 'observed');
  return new Map(signed.map((receipt) => [receipt.request, receipt]));
}

function observedIn(side: 'a' | 'b', receipts: readonly RestingReceipt[]): ObservedCall[] {
  return receipts.flatMap(({ state, callee, tool, call, parts }) => {
    const index = parts.get('outcome')?.index;
    return state === 'observed' && index !== undefined ? [{ in: side, index, callee, tool, call }] : [];
  });
}

function compare(request: string, a: RestingReceipt | undefined, b: RestingReceipt | undefined): Difference[] {
  const { tool = '', call = '' } = a ?? b ?? {};
  const about = { request, tool, call };
  const differences = compared.flatMap((part) => comparePart(partOf(a, part), partOf(b, part)).map((found) => ({ ...about, part, ...found })));
  const disputes = (['a', 'b'] as const).flatMap((side): Difference[] => {
    const dispute = (side === 'a' ? a : b)?.parts.get('dispute');
    return dispute === undefined ? [] : [{ code: 'DISPUTED', ...about, part: 'dispute', in: side, [side]: dispute.index }];
  });
  return [...differences, ...disputes];
}

type Held = { readonly index: number; readonly text: string } | undefined;

function comparePart(a: Held, b: Held): Pick<Difference, 'code' | 'in' | 'a' | 'b'>[] {
  if (a === undefined) return b === undefined ? [] : [{ code: 'PART_MISSING', in: 'a', b: b.index }];
  if (b === undefined) return [{ code: 'PART_MISSING', in: 'b', a: a.index }];
  return a.text === b.text ? [] : [{ code: 'PART_DIFFERS', a: a.index, b: b.index }];
}

/** A caller that disputes an outcome has it, as the dispute. */
function partOf(receipt: RestingReceipt | undefined, part: ReceiptPart) {
  return receipt?.parts.get(part) ?? (part === 'outcome' ? receipt?.parts.get('dispute') : undefined);
}

function invalid(side: 'a' | 'b', { code, index, part, detail }: ReceiptFault): Difference {
  return { code: 'PART_INVALID', request: '', part, in: side, [side]: index, detail: `${code}: ${detail}` };
}
