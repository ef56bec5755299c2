/** R, S and A as entries of a log: the same bytes at both ends (docs/spec/07 §7). @module */
import type { Entry } from '../audit/entry.ts';
import type { EntryInput } from '../audit/recorder.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Request } from './request.ts';

/** `dispute`: an outcome that the caller does not agree with, and does not sign. */
export type ReceiptPart = 'request' | 'outcome' | 'countersignature' | 'dispute';

export type ReceiptEntryParts = {
  /** Whose log it is. */
  readonly agent: AgentId;
  /** The other party. */
  readonly peer: AgentId;
  readonly request: Pick<Request, 'claims' | 'hash'>;
  readonly part: ReceiptPart;
  /** R, S or A as it travelled. */
  readonly text: string;
};

/** `handoff` with the text in `statement`. */
export function receiptEntry({ agent, peer, request, part, text }: ReceiptEntryParts): EntryInput {
  const { claims, hash } = request;
  return {
    type: 'handoff',
    id: receiptEntryId(hash, part),
    agent,
    peer,
    receipt: part,
    request: hash,
    call: claims.call,
    cap: claims.cap,
    'gen_ai.tool.name': claims.tool,
    statement: text,
  };
}

/** The id under which a log finds one part of a receipt. */
export function receiptEntryId(requestHash: string, part: ReceiptPart): string {
  return `receipt:${requestHash}:${part}`;
}

export const receiptParts: readonly ReceiptPart[] = ['request', 'outcome', 'countersignature', 'dispute'];

/** What an entry holds of a receipt; undefined if it is another entry. */
export function readReceiptEntry(entry: Entry): { readonly part: ReceiptPart; readonly request: string; readonly text: string } | undefined {
  const { type, receipt, request, statement } = entry;
  if (type !== 'handoff' || !receiptParts.includes(receipt as ReceiptPart) || typeof request !== 'string' || typeof statement !== 'string') return undefined;
  return { part: receipt as ReceiptPart, request, text: statement };
}
