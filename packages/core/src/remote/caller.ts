/** The caller: signs and records a request, sends it, and makes of the answer a receipt (docs/spec/07 §12). @module */
import { sha256 } from '#suite';
import type { AuditLog } from '../audit/audit-log.ts';
import { generateEntryId } from '../audit/entry-id.ts';
import { encodeBase64url } from '../bytes/base64url.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { isExactJson } from '../bytes/strict-json.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { issueInvocation } from '../capability/invocation.ts';
import { parseLink } from '../capability/parsed-link.ts';
import type { Env } from '../env/env.ts';
import { RemoteError } from '../errors/remote-error.ts';
import { SessionError } from '../errors/session-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { copyPlainObject } from '../guard/plain-json.ts';
import { isAgentId, type AgentId } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import { countersign } from '../receipt/countersign.ts';
import type { Outcome } from '../receipt/outcome.ts';
import { readReceiptEntry, receiptEntry, receiptEntryId, type ReceiptPart } from '../receipt/receipt-entry.ts';
import type { PartyKeys } from '../receipt/receipt-keys.ts';
import { readRequest, type Request } from '../receipt/request.ts';
import type { ResultMessage } from './answer.ts';
import { defaultTimeoutMs, maxRecent, maxTimeoutMs } from './bounds.ts';
import { ChunkBuffer } from './chunk-buffer.ts';
import type { Countersigner } from './countersigner.ts';
import { OutgoingCall } from './outgoing-call.ts';
import type { RemoteMessage } from './remote-message.ts';
import type { CallReceipt, RemoteResult } from './remote-result.ts';
import type { Say } from './remote-wire.ts';
import { checkAnswer, readAnswer } from './verify-answer.ts';

export type CallOptions = {
  /** Held by this agent, granted for the peer's DID (`at: peerDid`). */
  readonly capability: string;
  /** How long to wait, and how long the callee may work. Default a minute, at most a day; the callee counts whole seconds. */
  readonly timeoutMs?: number;
  /** Stops the tool at the callee. If it is aborted already, nothing is sent and its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** The caller's name of the call in both logs. Default: a new id. */
  readonly callId?: string | undefined;
};

export type CallerParts = {
  readonly agent: AgentId;
  readonly signer: Signer;
  readonly log: Pick<AuditLog, 'append' | 'find' | 'entry' | 'origin' | 'recovery'>;
  readonly env: Env;
  readonly say: Say;
  readonly partyKeys: (did: AgentId) => PartyKeys;
  readonly countersigner: Countersigner;
  readonly onError: (error: unknown) => void;
};

type Asked = { readonly peer: AgentId; readonly tool: string; readonly input: unknown; readonly options: CallOptions; readonly isStream: boolean };

type Concluding = {
  readonly from: AgentId;
  /** `isRecorded`: S stands in the log, A does not. */
  readonly asked: { readonly request: Request; readonly token: string; readonly isRecorded?: true };
  readonly answer: ResultMessage & { readonly outcome: string };
  readonly outcome: Outcome;
  readonly call: OutgoingCall | undefined;
  /** Its record: nobody is told of it before. */
  readonly arrival: Promise<void>;
};

/** A countersignature waits 200 ms at most: what a busy agent writes in that time. */
const resumedEntries = 512;

export class Caller {
  readonly #parts: CallerParts;
  readonly #waiting = new Map<string, OutgoingCall>();
  /** S by request: a second, different one is evidence against the callee. */
  readonly #answered = new Map<string, string>();
  #leaf: { readonly token: string; readonly cap: string; readonly exp: number } | undefined;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** @throws what `send` throws if nothing was sent; the log's error if R could not be recorded: nothing was sent then either. */
  async call(asked: Omit<Asked, 'isStream'>): Promise<RemoteResult> {
    return (await this.#begin({ ...asked, isStream: false })).result;
  }

  /** Yields chunks as they are read; its return value says how it ended. Reading slowly holds up the tool; to stop reading cancels it. */
  async *stream(asked: Omit<Asked, 'isStream'>): AsyncGenerator<JsonValue, RemoteResult, undefined> {
    const call = await this.#begin({ ...asked, isStream: true });
    const chunks = call.parts.chunks as ChunkBuffer;
    try {
      for (;;) {
        const next = chunks.take();
        if (next !== undefined) yield next.value;
        else if (call.isSettled) return await call.result;
        else await chunks.changed();
      }
    } finally {
      chunks.drop();
      if (!call.isSettled) call.parts.cancel();
    }
  }

  /** @param arrival - Its record: nobody is told of it before. */
  async result(from: AgentId, answer: ResultMessage, arrival: Promise<void>): Promise<void> {
    const call = this.#waiting.get(answer.request);
    if (call !== undefined && call.parts.peer !== from) return;
    if (answer.outcome === undefined) return arrival.then(() => this.#refused(call, answer));
    if (this.#answered.get(answer.request) === answer.outcome) return;
    const asked = call?.parts ?? (await this.#recorded(from, { ...answer, outcome: answer.outcome }));
    if (asked === undefined) return;
    const outcome = readAnswer(answer.outcome, { request: asked.request, callee: this.#parts.partyKeys(from) });
    if (outcome === undefined) return;
    if (this.#contradicts(asked)) return this.#record(from, { request: asked.request, part: 'dispute', text: answer.outcome });
    if (call !== undefined && isAhead(outcome, call)) return void (call.held = answer);
    await this.#conclude({ from, asked, answer: { ...answer, outcome: answer.outcome }, outcome, call, arrival });
  }

  /** Another S than the one that was answered before. */
  #contradicts({ request, isRecorded }: Concluding['asked']): boolean {
    return isRecorded !== true && this.#answered.has(request.hash);
  }

  async chunk(from: AgentId, { request, index, value }: Extract<RemoteMessage, { readonly kind: 'chunk' }>): Promise<void> {
    const call = this.#waiting.get(request);
    const chunks = call?.parts.chunks;
    if (call === undefined || chunks === undefined || call.parts.peer !== from) return;
    if (!chunks.add(index, value)) {
      call.parts.cancel();
      call.settle({ status: 'disputed', reason: 'the peer sent chunks that there was no room for, or one twice', receipt: { request: call.parts.token } });
      return;
    }
    const { held } = call;
    call.held = undefined;
    if (held !== undefined) await this.result(from, held, Promise.resolve());
  }

  /**
   * Says again what this agent agreed to at the end of a run that did not come to its own: the process may have died before it was sent. The callee
   * takes each once.
   */
  async resume(): Promise<void> {
    const { log, agent, countersigner } = this.#parts;
    const { size, previous } = log.recovery;
    if (previous === undefined || previous.stopped) return;
    for (let index = Math.max(0, size - resumedEntries); index < size; index++) {
      const entry = (await log.entry(index)).entry;
      const read = readReceiptEntry(entry);
      if (read?.part !== 'countersignature' || entry.agent !== agent || !isAgentId(entry['peer'])) continue;
      const request = await this.#own(read.request, 'request');
      // As the callee this agent holds the other's.
      if (request !== undefined && readRequest(request.text).claims.aud !== agent)
        countersigner.add(entry['peer'], { request: read.request, signature: read.text });
    }
  }

  /** What waits is not known to have run or not. */
  close(): void {
    for (const call of this.#waiting.values()) call.settle({ status: 'unknown', reason: 'closed', receipt: { request: call.parts.token } });
  }

  async #begin({ peer, tool, input, options, isStream }: Asked): Promise<OutgoingCall> {
    const { env, signer, log, agent, say, countersigner } = this.#parts;
    const copy = copyInput(input);
    const { capability, timeoutMs = defaultTimeoutMs, signal, callId = generateEntryId(env) } = options;
    if (!(timeoutMs > 0 && timeoutMs <= maxTimeoutMs)) throw usage(`timeoutMs is above 0 and at most ${maxTimeoutMs}`);
    signal?.throwIfAborted();
    const { cap, exp } = this.#leafOf(capability);
    const deadline = env.now() + timeoutMs;
    const until = Math.max(Math.floor(env.now() / 1000) + 1, Math.min(exp, Math.ceil(deadline / 1000)));
    const { token, salt } = await issueInvocation({ tool, input: copy, aud: peer, cap, call: callId, until, log: log.origin }, { signer, env });
    const request = readRequest(token);
    const chunks = isStream ? new ChunkBuffer((upTo) => this.#tell(peer, { kind: 'credit', request: request.hash, upTo })) : undefined;
    const cancel = (): void => this.#tell(peer, { kind: 'cancel', request: request.hash });
    const call = new OutgoingCall({ peer, token, request, chunks, env, deadline, signal, cancel });
    // Before anything goes out: what was asked and not answered is to be seen in the log.
    await log.append(receiptEntry({ agent, peer, request, part: 'request', text: token }));
    this.#waiting.set(request.hash, call);
    void call.result.then(() => this.#forget(call));
    const signed = countersigner.take(peer);
    const message = { kind: 'call', request: token, capability, salt: encodeBase64url(salt), input: copy } as const;
    try {
      await say(peer, { ...message, ...(isStream ? { stream: true } : {}), ...(signed.length === 0 ? {} : { signed }) });
    } catch (error) {
      for (const item of signed) countersigner.add(peer, item);
      this.#notSent(call, error);
    }
    call.start();
    return call;
  }

  /** An answer whose chunks never came is kept as what it is: signed by the callee alone. */
  #forget({ held, parts: { peer, request } }: OutgoingCall): void {
    this.#waiting.delete(request.hash);
    if (held?.outcome === undefined) return;
    this.#remember(request.hash, held.outcome);
    void this.#record(peer, { request, part: 'outcome', text: held.outcome }).catch(this.#parts.onError);
  }

  /** Without a session nothing went out. Any other failure may have left it in the outbox, from where it still goes. */
  #notSent(call: OutgoingCall, error: unknown): void {
    call.settle({ status: 'unknown', reason: 'not-sent', receipt: { request: call.parts.token } });
    if (SessionError.isInstance(error) || UsageError.isInstance(error) || RemoteError.isInstance(error)) throw error;
    this.#parts.onError(error);
  }

  #refused(call: OutgoingCall | undefined, { denial }: ResultMessage): void {
    if (denial !== undefined) call?.settle({ status: 'denied', denial, receipt: { request: call.parts.token } });
  }

  async #conclude({ from, asked, answer, outcome, call, arrival }: Concluding): Promise<void> {
    const { request, token } = asked;
    this.#remember(request.hash, answer.outcome);
    const receipt: CallReceipt = { request: token, outcome: answer.outcome };
    // The chunks of a stream that was given up are gone: what they were cannot be agreed to.
    if (call === undefined && outcome.claims.form === 'stream') return this.#recordOutcome(from, asked, answer.outcome);
    const checked = checkAnswer(outcome, answer, call?.parts.chunks?.hash);
    if ('disputed' in checked) {
      await arrival;
      call?.settle({ status: 'disputed', reason: checked.disputed, receipt });
      return this.#record(from, { request, part: 'dispute', text: answer.outcome });
    }
    const countersignature = await countersign(outcome, this.#parts.signer);
    try {
      await Promise.all([
        this.#recordOutcome(from, asked, answer.outcome),
        this.#record(from, { request, part: 'countersignature', text: countersignature }),
        arrival,
      ]);
    } catch (error) {
      // The effect has happened, and is not undone by a full disk here. Without its record it is not agreed to.
      this.#answered.delete(request.hash);
      call?.settle({ ...checked.result(receipt), unlogged: true });
      throw error;
    }
    this.#parts.countersigner.add(from, { request: request.hash, signature: countersignature });
    call?.settle(checked.result({ ...receipt, countersignature }));
  }

  async #recordOutcome(peer: AgentId, { request, isRecorded }: Concluding['asked'], text: string): Promise<void> {
    if (isRecorded !== true) await this.#record(peer, { request, part: 'outcome', text });
  }

  async #record(peer: AgentId, entry: { readonly request: Request; readonly part: ReceiptPart; readonly text: string }): Promise<void> {
    await this.#parts.log.append(receiptEntry({ agent: this.#parts.agent, peer, ...entry }));
  }

  /** A call of an earlier run, or one that was given up: what this agent asked stands in its log. Undefined if it was never asked, or is answered. */
  async #recorded(peer: AgentId, { request: hash, outcome }: ResultMessage & { readonly outcome: string }): Promise<Concluding['asked'] | undefined> {
    const request = await this.#own(hash, 'request');
    if (request === undefined || request.peer !== peer) return undefined;
    const before = await this.#own(hash, 'outcome');
    if (before === undefined) return { request: readRequest(request.text), token: request.text };
    this.#remember(hash, before.text);
    // Another outcome than the recorded one is a dispute; the same one means that our agreement may never have gone out.
    if (before.text !== outcome) return { request: readRequest(request.text), token: request.text };
    const agreed = await this.#own(hash, 'countersignature');
    if (agreed !== undefined) this.#parts.countersigner.add(peer, { request: hash, signature: agreed.text });
    // A run that ended between S and A: what came with S is checked once more, and agreed to.
    return agreed === undefined ? { request: readRequest(request.text), token: request.text, isRecorded: true } : undefined;
  }

  async #own(hash: string, part: ReceiptPart): Promise<{ readonly text: string; readonly peer: unknown } | undefined> {
    const { log, agent } = this.#parts;
    const index = await log.find('id', receiptEntryId(hash, part));
    if (index === undefined) return undefined;
    const { entry } = await log.entry(index);
    const read = readReceiptEntry(entry);
    return read !== undefined && entry.agent === agent ? { text: read.text, peer: entry['peer'] } : undefined;
  }

  #remember(hash: string, outcome: string): void {
    this.#answered.set(hash, outcome);
    if (this.#answered.size > maxRecent) this.#answered.delete(this.#answered.keys().next().value as string);
  }

  #tell(peer: AgentId, message: RemoteMessage): void {
    void this.#parts.say(peer, message).catch(this.#parts.onError);
  }

  /** The last one is kept: calls come in rows. */
  #leafOf(capability: string): { readonly cap: string; readonly exp: number } {
    if (this.#leaf?.token === capability) return this.#leaf;
    try {
      const text = capability.slice(capability.lastIndexOf('~') + 1);
      this.#leaf = { token: capability, cap: encodeBase64url(sha256(encodeUtf8(text))), exp: parseLink(text).claims.exp };
      return this.#leaf;
    } catch {
      throw usage('capability is no token: pass what grant or delegate gave');
    }
  }
}

/** What the callee could not read it would not answer either. @throws {@link UsageError} `TALOS_USAGE_ARGUMENT`. */
function copyInput(input: unknown): JsonObject {
  const copied = copyPlainObject(input);
  if ('notPlain' in copied) throw usage(`input is not plain JSON at ${JSON.stringify(copied.notPlain.path)}`);
  if (!isExactJson(copied.copy)) throw usage('input holds an integer beyond 2^53 - 1: send it as text');
  return copied.copy;
}

/** Chunks may be behind the answer that counts them: the answer waits. */
function isAhead({ claims }: Outcome, { parts: { chunks } }: OutgoingCall): boolean {
  return chunks !== undefined && (claims.chunks ?? 0) > chunks.hash.count;
}

function usage(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message });
}
