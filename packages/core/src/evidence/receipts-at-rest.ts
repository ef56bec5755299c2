/** The receipts that a log holds: R, S and A put together again, each signature checked under the reader's keys (docs/spec/08 §5). @module */
import type { Entry } from '../audit/entry.ts';
import { requireFunction, requireObject } from '../errors/require.ts';
import { TalosError } from '../errors/talos-error.ts';
import { readCountersignature, verifyCountersignature } from '../receipt/countersign.ts';
import { readOutcome, verifyOutcome, type OutcomeClaims } from '../receipt/outcome.ts';
import { readReceiptEntry, type ReceiptPart } from '../receipt/receipt-entry.ts';
import { readRequest, verifyRequest, type Request } from '../receipt/request.ts';
import type { AgentKeysAt } from './key-epochs.ts';

/** `observed`: the call left for a peer that signs nothing; the caller's own entries are all there is of it. */
export type RestingState = 'requested' | 'tool-signed' | 'both-signed' | 'disputed' | 'observed';

export type FaultCode =
  /** Not of its form, or of another request or outcome. */
  | 'PART_REFUSED'
  /** Not signed by a key that spoke for this party at that time. */
  | 'SIGNATURE_REFUSED'
  /** The reader trusts no key of this party. */
  | 'PARTY_NOT_TRUSTED'
  /** The log holds two texts of one part: who signed both said two things about one call. */
  | 'PART_CONFLICTS'
  /** S without R, or A without S. */
  | 'PART_ALONE';

export type ReceiptFault = { readonly code: FaultCode; readonly index: number; readonly part: ReceiptPart; readonly detail: string };

export type RestingReceipt = {
  /** SHA-256 of R, base64url; of an observed call the id of its `tool.result`. */
  readonly request: string;
  readonly state: RestingState;
  readonly side: 'caller' | 'callee';
  readonly caller: string;
  readonly callee: string;
  readonly tool: string;
  readonly call: string;
  /** What the callee signed; present from `tool-signed` on. */
  readonly outcome?: OutcomeClaims;
  /** Milliseconds since 1970 of the newest part, by the clock of the log that holds it. */
  readonly at: number;
  /** Texts by part, as far as they verified, and where they stand. */
  readonly parts: ReadonlyMap<ReceiptPart, { readonly index: number; readonly text: string }>;
};

export type ReceiptsAtRest = { readonly receipts: readonly RestingReceipt[]; readonly faults: readonly ReceiptFault[] };

/** As a log or an evidence report gives them. */
export type IndexedEntry = { readonly index: number; readonly entry: Entry };

type Found = { readonly index: number; readonly text: string; readonly at: number };
type Draft = { readonly agent: string; readonly peer: string; readonly parts: Map<ReceiptPart, Found> };

/**
 * Reads the receipts of one log, in the order of their requests. A part that does not verify counts as absent and is a fault.
 * @param keysAt - keys of both parties as the reader trusts them: `agentKeysAt`.
 */
export function receiptsAtRest(entries: Iterable<IndexedEntry>, keysAt: AgentKeysAt): ReceiptsAtRest {
  requireObject('entries', entries);
  requireFunction('keysAt', keysAt);
  const drafts = new Map<string, Draft>();
  const observed = new Map<string, RestingReceipt[]>();
  const signed = new Set<string>();
  const faults: ReceiptFault[] = [];
  for (const { index, entry } of entries) {
    const read = readReceiptEntry(entry);
    if (read === undefined) observe(observed, { index, entry });
    else {
      signed.add(callOf(entry));
      collect(drafts, { index, entry, read, faults });
    }
  }
  const receipts = [...drafts].flatMap(([request, draft]) => settle(request, draft, { keysAt, faults }));
  const alone = [...observed].filter(([key]) => !signed.has(key)).flatMap(([, calls]) => calls);
  return { receipts: [...receipts, ...alone], faults: faults.toSorted((a, b) => a.index - b.index) };
}

type Collecting = IndexedEntry & { readonly read: NonNullable<ReturnType<typeof readReceiptEntry>>; readonly faults: ReceiptFault[] };

function collect(drafts: Map<string, Draft>, { index, entry, read: { part, request, text }, faults }: Collecting): void {
  const draft = drafts.get(request) ?? { agent: textOf(entry['agent']), peer: textOf(entry['peer']), parts: new Map<ReceiptPart, Found>() };
  drafts.set(request, draft);
  const present = draft.parts.get(part);
  if (present === undefined) draft.parts.set(part, { index, text, at: Date.parse(entry.time) });
  else if (present.text !== text) faults.push({ code: 'PART_CONFLICTS', index, part, detail: `entry ${present.index} has another ${part} of this call` });
}

/**
 * A call that names the peer it went to, and of which no receipt is here. Frameworks give one id to several calls: each counts. What names a request is
 * the callee's own entry of a signed call.
 */
function observe(observed: Map<string, RestingReceipt[]>, { index, entry }: IndexedEntry): void {
  const { type, agent, peer, request, id } = entry;
  if (type !== 'tool.result' || typeof agent !== 'string' || typeof peer !== 'string' || request !== undefined) return;
  const receipt: RestingReceipt = {
    request: id,
    state: 'observed',
    side: 'caller',
    caller: agent,
    callee: peer,
    tool: textOf(entry['gen_ai.tool.name']),
    call: textOf(entry['call']),
    at: Date.parse(entry.time),
    parts: new Map([['outcome', { index, text: '' }]]),
  };
  const key = callOf(entry);
  const alike = observed.get(key);
  // Added in place: a framework that gives a million calls one id must not make this quadratic.
  if (alike === undefined) observed.set(key, [receipt]);
  else alike.push(receipt);
}

/** A call without an id is like no other. */
function callOf({ id, call, peer }: Entry): string {
  return typeof call === 'string' ? `${textOf(peer)} ${call}` : id;
}

type Settling = { readonly keysAt: AgentKeysAt; readonly faults: ReceiptFault[] };

function settle(hash: string, draft: Draft, { keysAt, faults }: Settling): RestingReceipt[] {
  const checker = new PartChecker(draft, faults);
  const request = checker.check('request', ({ text }) => {
    const { claims } = readRequest(text);
    const verified = verifyRequest(text, checker.keys(callerOf(draft, claims.aud), { keysAt, atMs: claims.iat * 1000 }));
    if (verified.hash !== hash) throw new Refused('PART_REFUSED', 'the entry names another request than it holds');
    if (claims.aud !== draft.agent && claims.aud !== draft.peer) throw new Refused('PART_REFUSED', 'the request is to neither party of the entry');
    return verified;
  });
  if (request === undefined) {
    for (const [part, { index }] of draft.parts)
      if (part !== 'request') faults.push({ code: 'PART_ALONE', index, part, detail: 'its request is not here, or failed' });
    return [];
  }
  return [receiptOf(draft, request, { checker, keysAt })];
}

function receiptOf(draft: Draft, request: Request, { checker, keysAt }: { readonly checker: PartChecker; readonly keysAt: AgentKeysAt }): RestingReceipt {
  const callee = request.claims.aud;
  const caller = callerOf(draft, callee);
  const verifyAnswer = ({ text }: Found): OutcomeClaims => {
    const { times } = readOutcome(text).claims;
    return verifyOutcome(text, { request, callee: checker.keys(callee, { keysAt, atMs: times.ended }) }).claims;
  };
  const outcome = checker.check('outcome', verifyAnswer);
  const dispute = checker.check('dispute', verifyAnswer);
  const agreed = checker.check('countersignature', ({ text, at }) => {
    const answer = draft.parts.get('outcome');
    if (outcome === undefined || answer === undefined) throw new Refused('PART_ALONE', 'its outcome is not here, or failed');
    readCountersignature(text);
    return verifyCountersignature(text, { outcome: readOutcome(answer.text), caller: checker.keys(caller, { keysAt, atMs: at }) });
  });
  checker.compareDispute();
  const answered = outcome ?? dispute;
  return {
    request: request.hash,
    state: stateOf({ answered: answered !== undefined, agreed: agreed !== undefined, disputed: dispute !== undefined }),
    side: callee === draft.agent ? 'callee' : 'caller',
    caller,
    callee,
    tool: request.claims.tool,
    call: request.claims.call,
    ...(answered === undefined ? {} : { outcome: answered }),
    at: Math.max(...[...checker.good.values()].map(({ at }) => at)),
    parts: new Map([...checker.good].map(([part, { index, text }]) => [part, { index, text }])),
  };
}

/** A dispute outweighs a countersignature: who signed both is not to be taken at the word that is dearer to the other side. */
function stateOf({ answered, agreed, disputed }: { readonly answered: boolean; readonly agreed: boolean; readonly disputed: boolean }): RestingState {
  if (disputed) return 'disputed';
  if (agreed) return 'both-signed';
  return answered ? 'tool-signed' : 'requested';
}

function callerOf({ agent, peer }: Draft, callee: string): string {
  return callee === agent ? peer : agent;
}

class Refused extends Error {
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string) {
    super(message);
    this.code = code;
  }
}

class PartChecker {
  /** Parts that verified. */
  readonly good = new Map<ReceiptPart, Found>();
  readonly #draft: Draft;
  readonly #faults: ReceiptFault[];

  constructor(draft: Draft, faults: ReceiptFault[]) {
    this.#draft = draft;
    this.#faults = faults;
  }

  keys(did: string, { keysAt, atMs }: { readonly keysAt: AgentKeysAt; readonly atMs: number }) {
    const keys = keysAt(did, Math.floor(atMs / 1000));
    if (keys === undefined) throw new Refused('PARTY_NOT_TRUSTED', `${did} is not an agent that the reader trusts`);
    return keys;
  }

  check<T>(part: ReceiptPart, verify: (found: Found) => T): T | undefined {
    const found = this.#draft.parts.get(part);
    if (found === undefined) return undefined;
    try {
      const value = verify(found);
      this.good.set(part, found);
      return value;
    } catch (error) {
      this.#fault(part, found.index, error);
      return undefined;
    }
  }

  /** An outcome and a dispute of the same call are of the same text, or the callee signed two. */
  compareDispute(): void {
    const [outcome, dispute] = [this.good.get('outcome'), this.good.get('dispute')];
    if (outcome !== undefined && dispute !== undefined && outcome.text !== dispute.text)
      this.#faults.push({ code: 'PART_CONFLICTS', index: dispute.index, part: 'dispute', detail: `entry ${outcome.index} has another outcome of this call` });
  }

  #fault(part: ReceiptPart, index: number, error: unknown): void {
    if (error instanceof Refused) this.#faults.push({ code: error.code, index, part, detail: error.message });
    else if (TalosError.isInstance(error))
      this.#faults.push({ code: error.code === 'TALOS_RECEIPT_SIGNATURE' ? 'SIGNATURE_REFUSED' : 'PART_REFUSED', index, part, detail: error.message });
    else throw error;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export type AgedReceipt = { readonly receipt: RestingReceipt; readonly ageMs: number };

/** Calls of every state, oldest first; `states`: of these alone. @param now - milliseconds since 1970. */
export function receiptsByAge(receipts: readonly RestingReceipt[], now: number, states?: readonly RestingState[]): readonly AgedReceipt[] {
  return receipts
    .filter(({ state }) => states?.includes(state) !== false)
    .map((receipt) => ({ receipt, ageMs: now - receipt.at }))
    .toSorted((a, b) => b.ageMs - a.ageMs);
}

export type Unacknowledged = AgedReceipt & { readonly waitsFor: 'outcome' | 'countersignature' };

/** What the other side has not answered, oldest first. The last message can always be withheld: age is all that tells. @param now - milliseconds since 1970. */
export function unacknowledgedReceipts(receipts: readonly RestingReceipt[], now: number): readonly Unacknowledged[] {
  return receiptsByAge(receipts, now, ['requested', 'tool-signed']).map((aged) => ({
    ...aged,
    waitsFor: aged.receipt.state === 'requested' ? 'outcome' : 'countersignature',
  }));
}
