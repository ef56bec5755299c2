/** What was taken back, between agents that have a session (docs/spec/05 §4). Loaded with the session rooms. @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import { parseRevocationList, readHead } from '../capability/revocation-list.ts';
import type { Revocations, RevokeContext } from '../capability/revocations.ts';
import type { RevocationTracker } from '../capability/standing.ts';
import type { Env } from '../env/env.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { Budget } from '../message/budget.ts';
import type { RevocationNews } from '../message/contents.ts';
import type { Sent } from '../message/outgoing.ts';

export type NewsParts = {
  readonly revocations: Revocations;
  readonly context: RevokeContext;
  readonly env: Env;
  /** @throws {@link SessionError} `TALOS_SESSION_UNKNOWN` without a session. */
  readonly send: (peer: AgentId, news: RevocationNews) => Promise<Sent>;
};

type Question = { readonly issuer: AgentId; readonly resolve: (tracker: RevocationTracker | undefined) => void };

/** Longer than a relay takes, shorter than a model waits for its tool. */
const answerMs = 10_000;

/** Lists and questions of one peer: each costs a signature. What is more is not read; a later list says the same. */
const newsBounds = { limit: 600, windowMs: 60_000 };

/** Owns the questions of this agent that wait for an answer. */
export class RevocationExchange {
  readonly #parts: NewsParts;
  readonly #budget: Budget;
  readonly #questions = new Map<string, Question>();
  /** Segments that a peer was sent by this process. */
  readonly #sent = new Map<AgentId, number>();

  constructor(parts: NewsParts) {
    this.#parts = parts;
    this.#budget = new Budget(newsBounds, parts.env);
  }

  /** Tells a peer what this agent took back, as of now: all of it the first time, then what came since. */
  async tell(peer: AgentId): Promise<void> {
    const { revocations, context } = this.#parts;
    const size = revocations.size(context.issuer);
    await this.#send(peer, await revocations.news({ after: this.#sent.get(peer) ?? 0 }, context));
    this.#sent.set(peer, size);
  }

  /**
   * Asks an issuer what it took back until now.
   * @returns What admits its chains for this one moment; undefined if there is no session to it, or no answer in ten seconds.
   */
  async ask(issuer: AgentId): Promise<RevocationTracker | undefined> {
    const { env, revocations } = this.#parts;
    const nonce = encodeBase64url(env.randomBytes(32));
    let cancel = (): void => undefined;
    const answered = new Promise<RevocationTracker | undefined>((resolve) => {
      this.#questions.set(nonce, { issuer, resolve });
      cancel = env.after(answerMs, () => resolve(undefined));
    });
    try {
      await this.#parts.send(issuer, { kind: 'question', nonce, after: revocations.size(issuer) });
      return await answered;
    } catch {
      return undefined;
    } finally {
      cancel();
      this.#questions.delete(nonce);
    }
  }

  /**
   * Takes in what a peer says. A list may come by anybody: it is signed.
   * @throws {@link CapabilityError} for a list that is refused: it would be refused again. {@link StoreError}: it may come again.
   */
  async receive(from: AgentId, news: RevocationNews): Promise<void> {
    if (this.#budget.isSpent(from)) return;
    this.#budget.spend(from);
    const { revocations, context } = this.#parts;
    if (news.kind === 'question') return this.#send(from, await revocations.news(news, context));
    const { segments, head } = parseRevocationList(news.list);
    const { nonce, iss, size } = readHead(head).head;
    const question = nonce === undefined ? undefined : this.#questions.get(nonce);
    if (nonce !== undefined && question?.issuer === iss) return question.resolve(await revocations.confirm({ text: news.list, issuer: iss, nonce }));
    if (iss === from && size - segments.length > revocations.size(from)) return this.#askAgain(from);
    await revocations.import(news.list);
  }

  /** Its list begins after what is known here: this process was told before it began, or another one was. */
  async #askAgain(peer: AgentId): Promise<void> {
    const { env, revocations } = this.#parts;
    await this.#parts.send(peer, { kind: 'question', nonce: encodeBase64url(env.randomBytes(32)), after: revocations.size(peer) });
  }

  async #send(peer: AgentId, texts: readonly string[]): Promise<void> {
    for (const list of texts) await this.#parts.send(peer, { kind: 'revocations', list });
  }
}
