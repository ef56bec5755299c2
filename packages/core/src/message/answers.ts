/**
 * Answers of no contents (docs/spec/04 §6.5): what a peer sent is acknowledged, and a stream that goes one way gets a new ratchet key, after
 * a hundred messages or a minute.
 * @module
 */
import type { Env } from '../env/env.ts';
import { stepAfterMessages, stepAfterMs } from '../session/limits.ts';
import { encodeContents } from './contents.ts';

export type AnswerParts = {
  readonly env: Env;
  /** Sends contents in this session; what fails is reported where it fails. */
  readonly answer: (sessionId: string, contents: Uint8Array) => void;
};

type Due = { readonly ids: string[]; readonly cancel: () => void };

/** Owns the names of messages that were taken in and not acknowledged. Only a user's message makes an answer due: else two peers would answer for ever. */
export class Answers {
  readonly #parts: AnswerParts;
  readonly #due = new Map<string, Due>();

  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  arrived(sessionId: string, id: string): void {
    const present = this.#due.get(sessionId);
    const due = present ?? { ids: [], cancel: this.#parts.env.after(stepAfterMs, () => this.answer(sessionId)) };
    if (present === undefined) this.#due.set(sessionId, due);
    due.ids.push(id);
    if (due.ids.length >= stepAfterMessages) this.answer(sessionId);
  }

  /** At once, with what is due: after a loss, too, when nothing is. */
  answer(sessionId: string): void {
    const due = this.#due.get(sessionId);
    this.#due.delete(sessionId);
    due?.cancel();
    this.#parts.answer(sessionId, encodeContents({ kind: 'step', acknowledged: due?.ids ?? [] }));
  }

  /** Before the end of a run: what is not acknowledged is sent again after the next handshake. */
  answerAll(): void {
    for (const sessionId of this.#due.keys()) this.answer(sessionId);
  }
}
