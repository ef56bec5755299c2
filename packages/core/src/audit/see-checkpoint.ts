/** A verifier that remembers: each checkpoint of a log is compared with the last one it saw (docs/spec/03 §16). @module */
import { equalBytes } from '../bytes/equal.ts';
import { StoreError } from '../errors/store-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { verifyConsistency } from './consistency.ts';
import { formatEquivocation, verifyEquivocation, type Equivocation } from './equivocation.ts';
import type { KnownHeads } from './known-heads.ts';
import { formatNote, parseNote } from './signed-note.ts';
import { parseVerifierKey, type VerifierKey } from './verifier-key.ts';

/** That the larger tree, at the smaller size, has the root `oldRoot`: what `AuditLog.proveConsistency` gives, as far as it is read here. */
export type PrefixProof = { readonly oldRoot: Uint8Array; readonly proof: readonly Uint8Array[] };

export type SeeCheckpointOptions = {
  readonly note: string;
  /** The log's key as the verifier trusts it. */
  readonly verifierKey: string | VerifierKey;
  readonly heads: KnownHeads;
  /** Asked when two sizes are to be compared. Undefined: the log did not prove it. */
  readonly prove?: (oldSize: number, newSize: number) => Promise<PrefixProof | undefined>;
};

/** What was kept before, and what came: `known` stays the last head unless the status is `first` or `advanced`. */
export type SeenCheckpoint =
  | { readonly status: 'first' | 'same' | 'advanced'; readonly checkpoint: Checkpoint }
  /** A genuine beginning of what was seen. From a log that was asked for its latest it is a rollback: refuse it. */
  | { readonly status: 'older'; readonly checkpoint: Checkpoint; readonly known: Checkpoint }
  /** Nobody has proved that one continues the other: not to be relied on. */
  | { readonly status: 'unproven'; readonly checkpoint: Checkpoint; readonly known: Checkpoint }
  /** The log's key signed two histories. `equivocation` is the file for `verifyEquivocation`: keep it, and show it. */
  | { readonly status: 'forked'; readonly checkpoint: Checkpoint; readonly known: Checkpoint; readonly equivocation: string };

/** Others may see a newer one at the same time: then it is compared with that one. */
const maxTries = 8;

/**
 * Compares a checkpoint with the last one of its log, and remembers it if it continues that one. The first is believed.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` if the log's key did not sign it.   @throws {@link StoreError}.
 */
export async function seeCheckpoint(options: SeeCheckpointOptions): Promise<SeenCheckpoint> {
  const { note, heads } = options;
  const key = typeof options.verifierKey === 'string' ? parseVerifierKey(options.verifierKey) : options.verifierKey;
  const checkpoint = verifyCheckpoint(note, key);
  for (let tries = 1; ; tries++) {
    const expected = await heads.load(key.name);
    const seen = expected === undefined ? ({ status: 'first', checkpoint } as const) : await compare(options, { key, checkpoint, knownNote: expected });
    if (seen.status !== 'first' && seen.status !== 'advanced') return seen;
    try {
      await heads.replace({ origin: key.name, expected, note });
      return seen;
    } catch (error) {
      if (!(StoreError.isInstance(error) && error.code === 'TALOS_STORE_CONFLICT') || tries === maxTries) throw error;
    }
  }
}

type Comparison = { readonly key: VerifierKey; readonly checkpoint: Checkpoint; readonly knownNote: string };

async function compare({ note, prove }: SeeCheckpointOptions, { key, checkpoint, knownNote }: Comparison): Promise<SeenCheckpoint> {
  const known = readKnown(knownNote, key);
  if (known.size === checkpoint.size) {
    if (equalBytes(known.root, checkpoint.root)) return { status: 'same', checkpoint };
    return { status: 'forked', checkpoint, known, equivocation: formatEquivocation({ older: ownNote(knownNote, key), newer: ownNote(note, key) }) };
  }
  const isNewer = known.size < checkpoint.size;
  const [smaller, larger] = isNewer ? [known, checkpoint] : [checkpoint, known];
  const passed: SeenCheckpoint = isNewer ? { status: 'advanced', checkpoint } : { status: 'older', checkpoint, known };
  if (smaller.size === 0) return passed;
  const prefix = await prove?.(smaller.size, larger.size);
  if (prefix === undefined) return { status: 'unproven', checkpoint, known };
  const { oldRoot: root, proof } = prefix;
  if (holds(() => verifyConsistency({ oldSize: smaller.size, oldRoot: smaller.root, newSize: larger.size, newRoot: larger.root, proof }))) return passed;
  const [older, newer] = (isNewer ? [knownNote, note] : [note, knownNote]).map((each) => ownNote(each, key)) as [string, string];
  const equivocation: Equivocation = { older, newer, prefix: { root, proof } };
  // A proof that proves nothing is no evidence: it may come from anybody.
  if (!holds(() => verifyEquivocation(equivocation, key))) return { status: 'unproven', checkpoint, known };
  return { status: 'forked', checkpoint, known, equivocation: formatEquivocation(equivocation) };
}

/** With the log's own line alone. Who shows a note can fill it with lines of others, until the file about it is larger than anybody reads. */
function ownNote(note: string, key: VerifierKey): string {
  const { text, signatures } = parseNote(note);
  return formatNote({ text, signatures: signatures.filter(({ name, keyId }) => name === key.name && equalBytes(keyId, key.keyId)).slice(0, 1) });
}

function readKnown(note: string, key: VerifierKey): Checkpoint {
  try {
    return verifyCheckpoint(note, key);
  } catch (cause) {
    if (!TalosError.isInstance(cause)) throw cause;
    throw new StoreError({
      code: 'TALOS_STORE_CORRUPT',
      message: 'the last head of this log is not signed by this key: was the log trusted under another one?',
      cause,
    });
  }
}

function holds(verify: () => unknown): boolean {
  try {
    verify();
    return true;
  } catch (error) {
    if (TalosError.isInstance(error)) return false;
    throw error;
  }
}
