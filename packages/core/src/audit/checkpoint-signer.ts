/** Signs heads, one after the other, in the order that forbids a fork: keep the head, sign it, publish it (docs/spec/03 §11). @module */
import type { Signer } from '../identity/signer.ts';
import type { AuditStore, StoredCheckpoint } from './audit-store.ts';
import type { RecordingWriter } from './audit-writer.ts';
import { signCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { isSameHead, type SignedHeads } from './signed-heads.ts';
import type { TreeHead } from './tree-hash.ts';
import type { VerifierKey } from './verifier-key.ts';

type Options = {
  readonly store: AuditStore;
  readonly signer: Signer;
  readonly key: VerifierKey;
  readonly writer: RecordingWriter;
  readonly heads: SignedHeads | undefined;
  /** What `heads` holds for this origin. */
  readonly signed: TreeHead | undefined;
  readonly checkpoint: StoredCheckpoint | undefined;
  /** Hears of every new checkpoint, after it is stored. */
  readonly onSigned?: (checkpoint: StoredCheckpoint) => void;
};

export class CheckpointSigner {
  readonly #options: Options;
  #signed: TreeHead | undefined;
  #last: StoredCheckpoint | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
    this.#signed = options.signed;
    this.#last = options.checkpoint;
  }

  get last(): StoredCheckpoint | undefined {
    return this.#last;
  }

  /** Signs what is durable when its turn has come. */
  sign(): Promise<StoredCheckpoint> {
    const signed = this.#turn.then(() => this.#sign());
    this.#turn = signed.catch(() => undefined);
    return signed;
  }

  /** A second note for one size is never made: the stored one is handed out again. */
  async #sign(): Promise<StoredCheckpoint> {
    const { store, signer, key, writer } = this.#options;
    writer.requireRunning();
    const head = writer.durable;
    if (this.#last?.size === head.size) return this.#last;
    await this.#keep(head);
    const note = await signCheckpoint({ origin: key.name, ...head }, signer);
    // A signer may be a remote box: a note that does not verify is not stored as a promise of this log.
    verifyCheckpoint(note, key);
    await store.saveCheckpoint({ size: head.size, note });
    this.#last = { size: head.size, note };
    this.#options.onSigned?.(this.#last);
    return this.#last;
  }

  /** A head that may have been kept or not, or that somebody else replaced, ends this writer: going on could sign a fork. */
  async #keep(head: TreeHead): Promise<void> {
    const { heads, key, writer } = this.#options;
    if (heads === undefined || isSameHead(this.#signed, head)) return;
    try {
      await heads.replace({ origin: key.name, expected: this.#signed, head });
    } catch (error) {
      writer.halt(error);
      throw error;
    }
    this.#signed = head;
  }
}
