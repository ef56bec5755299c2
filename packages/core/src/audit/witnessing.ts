/**
 * Asks a log's witnesses for cosignatures, beside everything else: no append and no checkpoint waits for it. Each witness has one request
 * under way, always about the newest checkpoint; one that cannot be reached is asked again, later and later. @module
 */
import type { Env } from '../env/env.ts';
import { AuditError } from '../errors/audit-error.ts';
import { TransportError } from '../errors/transport-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { AuditStore, StoredCheckpoint } from './audit-store.ts';
import { verifyCheckpoint } from './checkpoint.ts';
import { verifyCosignatures } from './cosignature.ts';
import type { CosignatureStore } from './cosignature-store.ts';
import { proveSizes } from './prove.ts';
import { equalBytes } from '../bytes/equal.ts';
import { formatSignature, parseNote } from './signed-note.ts';
import type { VerifierKey } from './verifier-key.ts';
import type { Witness } from './witness.ts';

/** A busy log signs fifty times a second: one cosignature covers all of them. */
const pauseMs = 1000;
/** Doubled with every failure, up to five minutes. */
const firstRetryMs = 1000;
const maxRetryMs = 5 * 60_000;
/** A size that it told, then the request for it; a third answer that contradicts both is no accident. */
const maxTries = 3;
/** How long a log that closes waits for answers that are on their way. */
const closeGraceMs = 2000;

export type WitnessState = {
  readonly name: string;
  /** The largest size that it cosigned in this run; 0 if none yet. */
  readonly cosignedSize: number;
  /** Failures since its last answer. */
  readonly failures: number;
};

export type WitnessingOptions = {
  readonly witnesses: readonly Witness[];
  readonly cosignatures: CosignatureStore;
  readonly store: AuditStore;
  readonly key: VerifierKey;
  readonly env: Env;
  /** A witness that failed, refused or lied. Nothing stops for it. */
  readonly onError: (error: unknown) => void;
  /** A witness holds a larger checkpoint that this log's key signed: the log was restored from a copy, and may sign nothing more. */
  readonly onRolledBack: (error: AuditError) => void;
};

type Asked = {
  readonly witness: Witness;
  knownSize: number;
  cosignedSize: number;
  failures: number;
  wanted: StoredCheckpoint | undefined;
  running: Promise<void> | undefined;
  cancelPause: (() => void) | undefined;
};

export class Witnessing {
  readonly #options: WitnessingOptions;
  readonly #asked: readonly Asked[];
  #isClosed = false;

  constructor(options: WitnessingOptions) {
    this.#options = options;
    this.#asked = options.witnesses.map((witness) => ({
      witness,
      knownSize: 0,
      cosignedSize: 0,
      failures: 0,
      wanted: undefined,
      running: undefined,
      cancelPause: undefined,
    }));
  }

  get states(): readonly WitnessState[] {
    return this.#asked.map(({ witness, cosignedSize, failures }) => ({ name: witness.key.name, cosignedSize, failures }));
  }

  /** Returns at once. */
  submit(checkpoint: StoredCheckpoint): void {
    if (checkpoint.size === 0) return;
    for (const asked of this.#asked) {
      asked.wanted = checkpoint;
      this.#start(asked);
    }
  }

  /** Asks nobody any more. Waits two seconds at most for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const asked of this.#asked) asked.cancelPause?.();
    const running = this.#asked.flatMap((asked) => asked.running ?? []);
    if (running.length === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.env.after(closeGraceMs, resolve);
      void Promise.all(running).then(() => {
        cancel();
        resolve();
      });
    });
  }

  #start(asked: Asked): void {
    if (asked.running !== undefined || asked.cancelPause !== undefined || this.#isClosed || asked.wanted === undefined) return;
    const { wanted } = asked;
    asked.wanted = undefined;
    asked.running = this.#ask(asked, wanted).then(
      () => this.#pause(asked, pauseMs),
      (error: unknown) => {
        asked.wanted ??= wanted;
        this.#options.onError(error);
        this.#pause(asked, Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(asked.failures++, 20)));
      },
    );
  }

  #pause(asked: Asked, delayMs: number): void {
    asked.running = undefined;
    if (this.#isClosed) return;
    asked.cancelPause = this.#options.env.after(delayMs, () => {
      asked.cancelPause = undefined;
      this.#start(asked);
    });
  }

  async #ask(asked: Asked, checkpoint: StoredCheckpoint): Promise<void> {
    const { witness } = asked;
    for (let tries = 0; tries < maxTries; tries++) {
      const { knownSize } = asked;
      const answer = await witness.addCheckpoint({ oldSize: knownSize, proof: await this.#proof(knownSize, checkpoint.size), note: checkpoint.note });
      if ('cosignatures' in answer) {
        await this.#keep(asked, checkpoint, answer.cosignatures);
        return;
      }
      if (answer.knownSize > checkpoint.size) return this.#behind(witness, checkpoint);
      if (answer.knownSize === knownSize) break;
      asked.knownSize = answer.knownSize;
    }
    throw new TransportError({
      code: 'TALOS_TRANSPORT_REFUSED',
      message: `the witness ${witness.key.name} knows another tree of this size, or does not know what it knows`,
      retryable: true,
    });
  }

  async #proof(oldSize: number, newSize: number): Promise<readonly Uint8Array[]> {
    return oldSize === 0 || oldSize === newSize ? [] : (await proveSizes(this.#options.store, { oldSize, newSize })).proof;
  }

  async #keep(asked: Asked, { size, note }: StoredCheckpoint, lines: string): Promise<void> {
    const { key } = asked.witness;
    const cosigned = `${note}${lines}`;
    if (verifyCosignatures(cosigned, [key]).length === 0)
      throw new TransportError({
        code: 'TALOS_TRANSPORT_PROTOCOL',
        message: `the answer of the witness ${key.name} holds no cosignature of its key`,
        retryable: true,
      });
    for (const line of parseNote(cosigned).signatures)
      if (line.name === key.name && equalBytes(line.keyId, key.keyId)) await this.#options.cosignatures.saveCosignature({ size, line: formatSignature(line) });
    asked.knownSize = size;
    asked.cosignedSize = size;
    asked.failures = 0;
  }

  /** Believed only with the note that this log's key signed: a witness that lies must not be able to stop a log. */
  async #behind(witness: Witness, { size }: StoredCheckpoint): Promise<void> {
    const { key, onRolledBack } = this.#options;
    const note = await witness.latest(key.name);
    const signed = note === undefined ? 0 : sizeOf(note, key);
    if (signed <= size)
      throw new TransportError({
        code: 'TALOS_TRANSPORT_PROTOCOL',
        message: `the witness ${witness.key.name} claims a larger log, and cannot show it`,
        retryable: true,
      });
    onRolledBack(
      new AuditError({
        code: 'TALOS_AUDIT_ROLLED_BACK',
        message: `the audit log is an older copy of itself: the witness ${witness.key.name} holds a checkpoint of ${signed} entries that this log signed, it has signed ${size} now. Bring the newer copy back, or call recoverLog({ acceptFork: true }) to go on under a new origin`,
      }),
    );
  }
}

function sizeOf(note: string, key: VerifierKey): number {
  try {
    return verifyCheckpoint(note, key).size;
  } catch (error) {
    if (TalosError.isInstance(error)) return 0;
    throw error;
  }
}
