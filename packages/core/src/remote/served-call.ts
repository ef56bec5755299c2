/**
 * One call at the callee: claimed, decided by a guard, recorded with R, run, answered. The answer is kept in the call store before it is
 * recorded and sent: whoever asks again gets that one (docs/spec/07 §10).
 * @module
 */
import type { AppendedEntry } from '../audit/append-queue.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { EntryInput } from '../audit/recorder.ts';
import { equalBytes } from '../bytes/equal.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import type { CapabilityHandle } from '../capability/capability-handle.ts';
import type { Denial } from '../capability/denial.ts';
import type { Reservations } from '../capability/reservation.ts';
import type { Grant } from '../capability/reserve.ts';
import type { Env } from '../env/env.ts';
import { RemoteError } from '../errors/remote-error.ts';
import { refusalEntry } from '../guard/call-entries.ts';
import { createGuard } from '../guard/guard.ts';
import type { ToolCall } from '../guard/tool-call.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { OutcomeStatus } from '../receipt/outcome.ts';
import { receiptEntry, type ReceiptPart } from '../receipt/receipt-entry.ts';
import type { Claimed, CallMessage } from './admit-call.ts';
import { answerDenied, answerEnded, shownDenial, shownError, type AnswerParts, type ResultMessage, type ToolEnd } from './answer.ts';
import { maxResultBytes } from './bounds.ts';
import type { CallStore } from './call-store.ts';
import type { ChunkSender } from './chunk-sender.ts';
import { decodeRemote, encodeRemote } from './remote-message.ts';
import { byteLength, copyRemoteValue, type RemoteValue } from './remote-value.ts';
import { isAsyncIterable, type DescribedTool, type ServedTool } from './tool.ts';

export type ServedCallParts = AnswerParts & {
  readonly agent: AgentId;
  readonly env: Env;
  readonly log: Pick<AuditLog, 'append'>;
  readonly calls: CallStore;
  readonly reservations: Reservations;
};

export type ServedCallInput = Claimed & {
  readonly from: AgentId;
  readonly message: CallMessage;
  readonly receivedAt: number;
  /** Of the caller: cancelled. */
  readonly signal: AbortSignal;
  readonly chunks: ChunkSender;
};

/** Owns one call from its claim to its kept answer. */
export class ServedCall {
  readonly #parts: ServedCallParts;
  readonly #input: ServedCallInput;
  /** Follows the caller's signal and the deadline. */
  readonly #abort = new AbortController();
  #isLate = false;
  #isStarted = false;
  #end: ToolEnd | undefined;
  #decisionIndex: number | undefined;
  #answer: ResultMessage | undefined;

  constructor(parts: ServedCallParts, input: ServedCallInput) {
    this.#parts = parts;
    this.#input = input;
  }

  /** Refuses what admission refused; the refusal is recorded with R, then signed. */
  async refuse(denial: Denial): Promise<ResultMessage> {
    const { agent } = this.#parts;
    const { request } = this.#input;
    const subject = { agent, capabilityHash: request.claims.cap };
    await this.#append(refusalEntry(subject, this.#call(), denial));
    return this.#keepDenied(denial);
  }

  /** @returns The answer that is kept. Rejects if it could not be kept or recorded: the call comes again, and is not run again. */
  async run({ tool, described }: { readonly tool: ServedTool; readonly described: DescribedTool }, handle: CapabilityHandle): Promise<ResultMessage> {
    const { agent, reservations, env } = this.#parts;
    const { request, signal } = this.#input;
    const stop = this.#watch(signal, request.claims.exp * 1000 - env.now());
    try {
      const log = { append: (entry: EntryInput) => this.#append(entry) };
      const guard = createGuard({ agent, capabilityHash: handle.cap, admit: async () => ({ handle }), log, reservations });
      const call = { ...this.#call(), signal: this.#abort.signal, toolDigest: described.toolDigest };
      const result = await guard.run(call, (input, grant, running) => this.#execute(tool, { input, grant, signal: running }));
      if (result.status === 'denied') return await this.#keepDenied(result.denial);
      if (this.#answer === undefined || result.unlogged === true) throw unrecorded();
      return this.#answer;
    } finally {
      stop();
    }
  }

  async #execute(
    tool: ServedTool,
    run: { readonly input: Parameters<ServedTool['execute']>[0]; readonly grant: Grant; readonly signal: AbortSignal },
  ): Promise<unknown> {
    const { from, chunks, message, request } = this.#input;
    this.#isStarted = true;
    const { signal, grant, input } = run;
    try {
      const given: unknown = await tool.execute(input, { signal, grant, caller: from, callId: request.claims.call });
      if (isAsyncIterable(given) && message.stream === true) {
        await chunks.sendAll(given, signal);
        return undefined;
      }
      const value = plainResult(isAsyncIterable(given) ? await collect(given, signal) : given);
      if (message.stream !== true) {
        this.#end = value === undefined ? { bytes: 0 } : { value: value.json, bytes: value.bytes };
        return value?.json;
      }
      await chunks.sendAll(single(value?.json), signal);
      return undefined;
    } catch (error) {
      const shown = shownError(error);
      this.#end = { value: shown, bytes: byteLength(shown) };
      throw error;
    } finally {
      if (message.stream === true) {
        await chunks.settled();
        this.#end = { ...this.#end, chunks: chunks.hash, bytes: chunks.bytes };
      }
    }
  }

  /** What the guard records, with R before the decision and S beside the result. */
  async #append(entry: EntryInput): Promise<AppendedEntry> {
    const { log } = this.#parts;
    const { from, request, message } = this.#input;
    const own = { ...entry, request: request.hash, peer: from };
    if (entry.type === 'tool.result') return this.#isStarted ? this.#conclude(own) : log.append(own);
    const isFirst = this.#decisionIndex === undefined;
    // In one go, so that both are in one batch and R comes first.
    const receipt = isFirst ? log.append(this.#receipt('request', message.request)) : undefined;
    const [appended] = await Promise.all([log.append(own), receipt]);
    this.#decisionIndex = appended.index;
    return appended;
  }

  async #conclude(entry: EntryInput): Promise<AppendedEntry> {
    const { log } = this.#parts;
    const { request, receivedAt } = this.#input;
    const outcome = this.#outcomeOf(entry['outcome'] as string);
    const end = outcome === 'ok' || outcome === 'tool_error' ? this.#end : withoutValue(this.#end);
    const answer = await answerEnded(this.#parts, { request: request.hash, receivedAt, outcome, end, decisionIndex: this.#decisionIndex });
    const isOurs = await this.#keep(answer);
    if (!isOurs || answer.outcome === undefined) return log.append(entry);
    const [appended] = await Promise.all([log.append(entry), log.append(this.#receipt('outcome', answer.outcome))]);
    return appended;
  }

  async #keepDenied(denial: Denial): Promise<ResultMessage> {
    const { request, receivedAt } = this.#input;
    const decisionIndex = this.#decisionIndex;
    // Without its entry there is nothing to sign: the caller is told, and holds nothing against us.
    if (decisionIndex === undefined) {
      await this.#keep({ kind: 'result', request: request.hash, denial: shownDenial(denial) });
      return this.#answer as ResultMessage;
    }
    const answer = await answerDenied(this.#parts, { request: request.hash, receivedAt, denial, decisionIndex });
    const isOurs = await this.#keep(answer);
    if (isOurs && answer.outcome !== undefined) await this.#parts.log.append(this.#receipt('outcome', answer.outcome));
    return this.#answer as ResultMessage;
  }

  /** Whether it is ours that is kept: another process may have taken this one for dead and said so. */
  async #keep(answer: ResultMessage): Promise<boolean> {
    const { calls, env } = this.#parts;
    const own = encodeRemote(answer);
    const kept = await calls.settle(this.#input.id, own, env.now());
    if (kept === undefined) throw unrecorded();
    const isOurs = equalBytes(kept, own);
    this.#answer = isOurs ? answer : (decodeRemote(kept) as ResultMessage);
    return isOurs;
  }

  #receipt(part: ReceiptPart, text: string): EntryInput {
    const { from, request } = this.#input;
    return receiptEntry({ agent: this.#parts.agent, peer: from, request, part, text });
  }

  #call(): ToolCall {
    const { message, request } = this.#input;
    return { tool: request.claims.tool, input: message.input, callId: request.claims.call, framework: 'talos.remote' };
  }

  #outcomeOf(recorded: string): Exclude<OutcomeStatus, 'denied'> {
    if (recorded === 'ok' || recorded === 'tool_error') return recorded;
    return this.#isLate ? 'timeout' : 'cancelled';
  }

  /** At the deadline nobody waits any more. */
  #watch(signal: AbortSignal, leftMs: number): () => void {
    const follow = (): void => this.#abort.abort(signal.reason);
    if (signal.aborted) follow();
    else signal.addEventListener('abort', follow, { once: true });
    const cancel = this.#parts.env.after(Math.max(0, leftMs), () => {
      this.#isLate = true;
      this.#abort.abort(new Error('the deadline of the call has passed'));
    });
    return () => {
      cancel();
      signal.removeEventListener('abort', follow);
    };
  }
}

function withoutValue(end: ToolEnd | undefined): ToolEnd | undefined {
  if (end?.chunks === undefined) return undefined;
  return { chunks: end.chunks, bytes: end.bytes };
}

function plainResult(given: unknown): RemoteValue | undefined {
  if (given === undefined) return undefined;
  const value = copyRemoteValue(given, 'the result of the tool');
  if (value.bytes <= maxResultBytes) return value;
  throw new RemoteError({ code: 'TALOS_REMOTE_TOO_LARGE', message: `a result has at most ${maxResultBytes} bytes: yield it in chunks` });
}

/** For a caller that wants one value. */
async function collect(chunks: AsyncIterable<unknown>, signal: AbortSignal): Promise<unknown[]> {
  const all: unknown[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    const plain = plainResult(chunk ?? null);
    all.push(plain?.json);
    bytes += plain?.bytes ?? 0;
    if (bytes > maxResultBytes)
      throw new RemoteError({ code: 'TALOS_REMOTE_TOO_LARGE', message: 'the chunks are more than one result may hold: call it as a stream' });
  }
  return all;
}

async function* single(value: JsonValue | undefined): AsyncIterable<JsonValue> {
  if (value !== undefined) yield value;
}

function unrecorded(): RemoteError {
  return new RemoteError({
    code: 'TALOS_REMOTE_NO_ANSWER',
    message: 'the outcome of a call could not be kept or recorded: it is answered when it comes again',
    retryable: true,
  });
}
