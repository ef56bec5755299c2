/** What a witness decides: whether a checkpoint continues what it cosigned. The order of the checks is tlog-witness's. @module */
import type { Env } from '@talosprotocol/core';
import {
  cosignCheckpoint,
  formatEquivocation,
  formatNote,
  hashOrigin,
  parseCheckpoint,
  parseNote,
  parseWitnessRequest,
  verifyCheckpoint,
  verifyConsistency,
  type Checkpoint,
  type VerifierKey,
  type WitnessRequest,
} from '@talosprotocol/core/audit';
import { TalosError } from '@talosprotocol/core/errors';
import type { Signer } from '@talosprotocol/core/identity';
import { RateLimit } from './witness-rate.ts';
import type { WitnessDatabase, WitnessedLog } from './witness-database.ts';

export type DeskAnswer = { readonly status: number; readonly body: string; readonly isSize?: true };

export type DeskOptions = {
  readonly name: string;
  readonly signer: Signer;
  /** Several keys of one origin are a log that changes its key. */
  readonly logs: readonly VerifierKey[];
  readonly database: WitnessDatabase;
  readonly env: Env;
  readonly requestsPerMinute: number;
};

export class WitnessDesk {
  readonly #options: DeskOptions;
  readonly #rate: RateLimit;
  /** Requests of one log are answered one after the other: the time in a cosignature must not go back either. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#rate = new RateLimit(options.requestsPerMinute, options.env);
  }

  async addCheckpoint(body: Uint8Array): Promise<DeskAnswer> {
    const request = read(() => parseWitnessRequest(body));
    const origin = request && read(() => parseCheckpoint(request.note))?.origin;
    if (request === undefined || origin === undefined) return { status: 400, body: 'not an add-checkpoint request\n' };
    const keys = this.#options.logs.filter(({ name }) => name === origin);
    if (keys.length === 0) return { status: 404, body: 'unknown log\n' };
    const checkpoint = firstOf(keys, (key) => read(() => verifyCheckpoint(request.note, key)));
    if (checkpoint === undefined) return { status: 403, body: 'no trusted key of this log signed it\n' };
    if (request.oldSize > checkpoint.size) return { status: 400, body: 'the old size is larger than the checkpoint\n' };
    const turn = (this.#turns.get(origin) ?? Promise.resolve()).then(() => this.#decide(request, checkpoint));
    this.#turns.set(
      origin,
      turn.catch(() => undefined),
    );
    return turn;
  }

  /** The note that was cosigned last, by the hex SHA-256 of its origin. */
  latest(hash: string): string | undefined {
    return this.#options.database.noteOf(hash);
  }

  async #decide(request: WitnessRequest, checkpoint: Checkpoint): Promise<DeskAnswer> {
    const known = this.#options.database.load(checkpoint.origin);
    if (request.oldSize !== (known?.size ?? 0)) return conflict(known);
    const refusal = continues(request, { checkpoint, known });
    if (refusal === 'inconsistent') return { status: 422, body: 'the consistency proof does not verify\n' };
    if (refusal === 'forked') {
      this.#options.database.saveEquivocation(checkpoint.origin, formatEquivocation({ older: (known as WitnessedLog).note, newer: request.note }));
      return { status: 409, body: 'another root was cosigned at this size\n' };
    }
    // Notes are public: whoever says one again has a share of its own, and takes none from the log, which alone can sign a larger tree.
    const share = checkpoint.size === request.oldSize ? `again ${checkpoint.origin}` : checkpoint.origin;
    if (!this.#rate.take(share)) return { status: 429, body: 'asked too often\n' };
    return this.#cosign(request, checkpoint);
  }

  /** Kept before it is signed: a crash in between cosigns nothing, and the log asks again. */
  async #cosign({ note, oldSize }: WitnessRequest, { origin, size, root }: Checkpoint): Promise<DeskAnswer> {
    const { database, name, signer, env } = this.#options;
    const bare = ownSignatures(note, this.#options.logs);
    if (!database.replace({ origin, hash: hashOrigin(origin), size, root, note: bare }, oldSize)) return conflict(database.load(origin));
    const line = await cosignCheckpoint(bare, { name, signer, time: Math.max(0, Math.floor(env.now() / 1000)) });
    const { text, signatures } = parseNote(bare);
    const cosigned = formatNote({ text, signatures: [...signatures, line] });
    database.saveNote(origin, size, cosigned);
    return { status: 200, body: formatNote({ text: '', signatures: [line] }).slice(1) };
  }
}

function conflict(known: WitnessedLog | undefined): DeskAnswer {
  return { status: 409, body: `${known?.size ?? 0}\n`, isSize: true };
}

type Continuation = { readonly checkpoint: Checkpoint; readonly known: WitnessedLog | undefined };

/** tlog-witness: from nothing everything continues, with an empty proof; at one size the roots are compared; else the proof decides. */
function continues({ oldSize, proof }: WitnessRequest, { checkpoint, known }: Continuation): 'inconsistent' | 'forked' | undefined {
  if (known === undefined || oldSize === 0) return proof.length === 0 ? undefined : 'inconsistent';
  if (oldSize === checkpoint.size) {
    if (Buffer.compare(known.root, checkpoint.root) !== 0) return 'forked';
    return proof.length === 0 ? undefined : 'inconsistent';
  }
  const claim = { oldSize, oldRoot: Uint8Array.from(known.root), newSize: checkpoint.size, newRoot: checkpoint.root, proof };
  return read(() => (verifyConsistency(claim), true)) === undefined ? 'inconsistent' : undefined;
}

/** What others signed on the note is theirs to keep: only the log's own lines are stored, so that nobody fills the database with lines. */
function ownSignatures(note: string, logs: readonly VerifierKey[]): string {
  const { text, signatures } = parseNote(note);
  return formatNote({
    text,
    signatures: signatures.filter((line) => logs.some((key) => key.name === line.name && Buffer.compare(key.keyId, line.keyId) === 0)),
  });
}

function firstOf<T, R>(values: readonly T[], of: (value: T) => R | undefined): R | undefined {
  for (const value of values) {
    const found = of(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Undefined for what Talos refuses; what else is thrown is a fault of ours. */
function read<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (TalosError.isInstance(error)) return undefined;
    throw error;
  }
}
