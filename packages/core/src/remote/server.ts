/** The callee: takes calls in, runs each at most once, answers, and collects countersignatures (docs/spec/07 §9, §10). @module */
import type { AuditLog } from '../audit/audit-log.ts';
import { deny } from '../capability/denial.ts';
import type { Env } from '../env/env.ts';
import { RemoteError } from '../errors/remote-error.ts';
import { refusalEntry } from '../guard/call-entries.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { verifyCountersignature } from '../receipt/countersign.ts';
import { readOutcome } from '../receipt/outcome.ts';
import { receiptEntry, receiptEntryId, type ReceiptPart } from '../receipt/receipt-entry.ts';
import { hashRequest, readRequest, type Request } from '../receipt/request.ts';
import { admitCall, type AdmitCallParts, type CallMessage } from './admit-call.ts';
import { answerEnded, shownDenial, type ResultMessage } from './answer.ts';
import { closeGraceMs, maxRecent } from './bounds.ts';
import type { StoredCall } from './call-store.ts';
import { ChunkSender } from './chunk-sender.ts';
import { PeerSlots } from './peer-slots.ts';
import { decodeRemote, encodeRemote, type SignedOutcome } from './remote-message.ts';
import type { Say } from './remote-wire.ts';
import { ServedCall, type ServedCallParts } from './served-call.ts';
import type { ToolTable } from './tool-table.ts';

export type ServerParts = AdmitCallParts &
  ServedCallParts & {
    readonly log: Pick<AuditLog, 'append' | 'find' | 'entry'>;
    readonly tools: ToolTable;
    readonly say: Say;
    readonly env: Env;
    readonly onError: (error: unknown) => void;
  };

/** A call at work. The peer is part of its key: who sends a stolen request must not stand in the way of its owner. */
type Active = { readonly abort: AbortController; readonly chunks: ChunkSender; done: Promise<void> };

type Serving = { readonly from: AgentId; readonly message: CallMessage; readonly active: Active; readonly recorded: Promise<void> };

/** `outcome`: S. */
type SignedCall = { readonly request: Request; readonly outcome: string; readonly peer: AgentId };

export class Server {
  readonly #parts: ServerParts;
  readonly #active = new Map<string, Active>();
  readonly #slots = new PeerSlots();
  /** Signed lately and not countersigned: saves the store's look-up and the parsing. */
  readonly #signed = new Map<string, SignedCall>();
  #isStopping = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the answer is durable and on its way. Rejects if it is not: the call then comes again.
   * @param recorded - Of its arrival: nothing is claimed or answered before.
   */
  call(from: AgentId, message: CallMessage, recorded: Promise<void>): Promise<void> {
    const request = hashRequest(message.request);
    const key = keyOf(from, request);
    const present = this.#active.get(key);
    if (present !== undefined) return present.done;
    // A tool that began now would be told by nobody, and what it does would stand in no log.
    if (this.#isStopping) return Promise.reject(stopping());
    const turn = this.#slots.enter(from);
    if (turn === undefined) return recorded.then(() => this.#refuse(from, message, { code: 'RATE', retryAfter: 1 }));
    const chunks = new ChunkSender((chunk) => this.#parts.say(from, { kind: 'chunk', request, ...chunk }));
    const active: Active = { abort: new AbortController(), chunks, done: Promise.resolve() };
    this.#active.set(key, active);
    active.done = this.#inTurn(turn, () => this.#serve({ from, message, active, recorded })).finally(() => this.#active.delete(key));
    return active.done;
  }

  cancel(from: AgentId, request: string): void {
    this.#active.get(keyOf(from, request))?.abort.abort(new Error('the caller cancelled'));
  }

  credit(from: AgentId, { request, upTo }: { readonly request: string; readonly upTo: number }): void {
    this.#active.get(keyOf(from, request))?.chunks.credit(upTo);
  }

  /** A peer's agreement to what we signed. What is no such agreement changes nothing. */
  async countersigned(from: AgentId, signed: readonly SignedOutcome[]): Promise<void> {
    await Promise.all(signed.map((item) => this.#acknowledge(from, item)));
  }

  /** Tells every tool at work to stop, and waits for what comes of it. */
  async close(): Promise<void> {
    this.#isStopping = true;
    for (const { abort } of this.#active.values()) abort.abort(new Error('this agent stops'));
    let cancel = (): void => undefined;
    // A tool that does not listen must not hold up `close` for ever: its call comes again, and its outcome is unknown.
    const grace = new Promise<void>((resolve) => (cancel = this.#parts.env.after(closeGraceMs, resolve)));
    await Promise.race([Promise.allSettled([...this.#active.values()].map(({ done }) => done)), grace]);
    cancel();
  }

  async #inTurn(turn: Promise<() => void>, work: () => Promise<void>): Promise<void> {
    const leave = await turn;
    try {
      await work();
    } finally {
      leave();
    }
  }

  async #serve({ from, message, active, recorded }: Serving): Promise<void> {
    const receivedAt = Math.floor(this.#parts.env.now());
    if (message.signed !== undefined) void this.countersigned(from, message.signed).catch(this.#parts.onError);
    const admitted = await admitCall(this.#parts, { from, message, recorded, find: (tool) => this.#parts.tools.find(tool) });
    if (admitted.status === 'refused') return this.#refuse(from, message, shownDenial(admitted.denial));
    if (admitted.status === 'seen') return this.#answerAgain(from, admitted.request, admitted.call);
    const { request, id } = admitted;
    const served = new ServedCall(this.#parts, { request, id, from, message, receivedAt, signal: active.abort.signal, chunks: active.chunks });
    const answer = admitted.status === 'claimed' ? await served.run(admitted.entry, admitted.handle) : await served.refuse(admitted.denial);
    await this.#answer(from, request, answer);
  }

  async #answer(from: AgentId, request: Request, answer: ResultMessage): Promise<void> {
    if (answer.outcome !== undefined) {
      this.#signed.set(request.hash, { request, outcome: answer.outcome, peer: from });
      if (this.#signed.size > maxRecent) this.#signed.delete(this.#signed.keys().next().value as string);
    }
    await this.#parts.say(from, answer);
  }

  /** The same answer as before; if there is none, the process that ran the call is gone, and nobody can say what the tool did. */
  async #answerAgain(from: AgentId, request: Request, call: StoredCall): Promise<void> {
    if (call.acknowledged) return;
    const { calls, env } = this.#parts;
    const kept = call.answer ?? (await calls.settle(call.id, encodeRemote(await this.#unknown(request)), env.now()));
    if (kept === undefined) return;
    const answer = decodeRemote(kept) as ResultMessage;
    await this.#recordOnce(from, { request, part: 'request', text: call.token });
    if (answer.outcome !== undefined) await this.#recordOnce(from, { request, part: 'outcome', text: answer.outcome });
    await this.#answer(from, request, answer);
  }

  #unknown(request: Request): Promise<ResultMessage> {
    return answerEnded(this.#parts, { request: request.hash, receivedAt: Math.floor(this.#parts.env.now()), outcome: 'unknown' });
  }

  /** Not known to be this peer's, or too much: it is told, and what its budget allows is recorded. */
  async #refuse(from: AgentId, message: CallMessage, denial: ReturnType<typeof shownDenial>): Promise<void> {
    const { agent, budget, log, say } = this.#parts;
    if (denial.code !== 'RATE' && budget.spend(from) === undefined) {
      const entry = refusalEntry(
        { agent, capabilityHash: '' },
        { tool: toolOf(message), input: {}, framework: 'talos.remote' },
        deny(denial.code as 'POP_BAD', denial),
      );
      await log.append({ ...entry, peer: from, request: hashRequest(message.request) });
    }
    await say(from, { kind: 'result', request: hashRequest(message.request), denial });
  }

  async #acknowledge(from: AgentId, { request: hash, signature }: SignedOutcome): Promise<void> {
    const { calls, partyKeys, log, agent } = this.#parts;
    const recent = this.#signed.get(hash);
    const signed = recent ?? (await this.#stored(hash));
    // Another's call, one that was countersigned before, or one that we know nothing of.
    if (signed === undefined || signed.peer !== from) return;
    try {
      verifyCountersignature(signature, { outcome: readOutcome(signed.outcome), caller: partyKeys(from) });
    } catch (error) {
      this.#parts.onError(error);
      return;
    }
    this.#signed.delete(hash);
    const entry = { request: signed.request, part: 'countersignature', text: signature } as const;
    // What was signed in this run was not countersigned in an earlier one.
    await (recent === undefined ? this.#recordOnce(from, entry) : log.append(receiptEntry({ agent, peer: from, ...entry })));
    await calls.acknowledge(hash);
  }

  async #stored(hash: string): Promise<SignedCall | undefined> {
    const call = await this.#parts.calls.find(hash);
    if (call?.answer === undefined || call.acknowledged) return undefined;
    const { outcome } = decodeRemote(call.answer) as ResultMessage;
    return outcome === undefined ? undefined : { request: readRequest(call.token), outcome, peer: call.peer };
  }

  /** After a crash it may be there. With both ends in one log the other end's entry does not count for ours. */
  async #recordOnce(peer: AgentId, { request, part, text }: { readonly request: Request; readonly part: ReceiptPart; readonly text: string }): Promise<void> {
    const { log, agent } = this.#parts;
    const index = await log.find('id', receiptEntryId(request.hash, part));
    if (index !== undefined && (await log.entry(index)).entry.agent === agent) return;
    await log.append(receiptEntry({ agent, peer, request, part, text }));
  }
}

function keyOf(from: AgentId, request: string): string {
  return `${from} ${request}`;
}

/** Of a request that is not yet known to be one. */
function toolOf({ request }: CallMessage): string {
  try {
    return readRequest(request).claims.tool;
  } catch {
    return '';
  }
}

function stopping(): RemoteError {
  return new RemoteError({
    code: 'TALOS_REMOTE_NO_ANSWER',
    message: 'this agent stops: what was asked meanwhile is taken up at its next start',
    retryable: true,
  });
}
