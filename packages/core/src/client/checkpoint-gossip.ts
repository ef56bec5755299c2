/**
 * Checkpoints between peers (docs/spec/03 §16): each tells the other its latest head, proved from the one that the other holds, and remembers the
 * other's. A log that shows two peers two histories is found out when they next speak to it. @module
 */
import type { AuditLog } from '../audit/audit-log.ts';
import { parseCheckpoint, verifyCheckpoint } from '../audit/checkpoint.ts';
import type { KnownHeads } from '../audit/known-heads.ts';
import { seeCheckpoint, type PrefixProof, type SeenCheckpoint } from '../audit/see-checkpoint.ts';
import { parseVerifierKey, type VerifierKey } from '../audit/verifier-key.ts';
import { ByteReader } from '../bytes/reader.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import type { Env } from '../env/env.ts';
import { AuditError } from '../errors/audit-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Gossip } from '../message/gossip.ts';
import { isNamedByKey, logOrigin } from './home.ts';

/** A frame of a few hundred bytes a minute, whatever is said. */
const everyMs = 60_000;
/** A proof between two sizes below 2^53 has fewer. */
const maxProofHashes = 128;
const hashLength = 32;
const maxKeyLength = 512;
const maxNoteLength = 64 * 1024;

/** `peer` told of the log of this `origin`. Anything but `forked` and `unproven` is as it should be; `older` may be a message that came late. */
export type PeerCheckpoint = SeenCheckpoint & { readonly peer: AgentId };

export type CheckpointGossipOptions = {
  /** `memoryKnownHeads()`, or `sqliteKnownHeads` in the state directory. */
  readonly heads: KnownHeads;
  /** Hears of every checkpoint of a peer. On `forked` it holds the equivocation file. */
  readonly onCheckpoint?: (seen: PeerCheckpoint) => void;
};

/** `known`: the size of the receiver's log that the sender holds, 0 for none. `oldSize`: from where the proof leads, 0 for none. */
type Told = {
  readonly known: number;
  readonly oldSize: number;
  readonly prefix: PrefixProof | undefined;
  readonly verifierKey: string;
  readonly note: string;
};

/** `origin`: of the log that it told of first. */
type Peer = { toldAt: number; toldSize: number; toldKnown: number; holds: number; known: number; origin?: string };

export function checkpointGossip(log: AuditLog, env: Env, options: CheckpointGossipOptions): Gossip {
  const peers = new Map<AgentId, Peer>();
  const of = (did: AgentId): Peer => {
    const peer = peers.get(did) ?? { toldAt: Number.NEGATIVE_INFINITY, toldSize: 0, toldKnown: 0, holds: 0, known: 0 };
    peers.set(did, peer);
    return peer;
  };
  return {
    async next(did) {
      const peer = of(did);
      if (env.monotonic() - peer.toldAt < everyMs) return undefined;
      peer.toldAt = env.monotonic();
      const note = await log.checkpoint();
      const { size } = parseCheckpoint(note);
      if (size === 0 || (size === peer.toldSize && peer.known === peer.toldKnown)) return undefined;
      // What a peer says that it holds is a hint: beyond our own size there is nothing to prove.
      const oldSize = peer.holds < size ? peer.holds : 0;
      const prefix = oldSize === 0 ? undefined : await log.proveConsistency(oldSize, size);
      peer.toldSize = size;
      peer.toldKnown = peer.known;
      return encodeTold({ known: peer.known, oldSize, prefix, verifierKey: log.verifierKey, note });
    },
    async receive(did, bytes) {
      const told = decodeTold(bytes);
      const peer = of(did);
      const { verifierKey, note, prefix } = told;
      const key = parseVerifierKey(verifierKey);
      requireOwnLog(peer, key);
      peer.holds = told.known;
      const prove = async (oldSize: number): Promise<PrefixProof | undefined> => (oldSize === told.oldSize ? prefix : undefined);
      const seen = await seeCheckpoint({ note, verifierKey, heads: options.heads, prove });
      peer.origin = key.name;
      const last = await options.heads.load(key.name);
      peer.known = last === undefined ? 0 : verifyCheckpoint(last, key).size;
      // The answer to what could not be compared is the size from which to prove: it need not wait for its minute.
      if (seen.status === 'unproven') peer.toldAt = Number.NEGATIVE_INFINITY;
      options.onCheckpoint?.({ ...seen, peer: did });
    },
  };
}

/**
 * The first key of an origin is believed, and its note is kept for good: nobody may fill the store with origins, nor take the name of another's log
 * before that one is heard of, where the name says which key it is.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE`.
 */
function requireOwnLog({ origin }: Peer, { name, publicKey }: VerifierKey): void {
  if (origin !== undefined && origin !== name) throw new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message: 'a peer that told of one log tells of another' });
  if (isNamedByKey(name) && name !== logOrigin({ publicKey }))
    throw new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message: 'a peer tells of a log under the name of another key' });
}

function encodeTold({ known, oldSize, prefix, verifierKey, note }: Told): Uint8Array {
  const writer = new ByteWriter().u64(known).u64(oldSize);
  if (prefix !== undefined) {
    writer.raw(prefix.oldRoot).u8(prefix.proof.length);
    for (const hash of prefix.proof) writer.raw(hash);
  }
  return writer.short(encodeUtf8(verifierKey)).long(encodeUtf8(note)).finish();
}

/** @throws {@link EncodingError} on anything but this form. */
function decodeTold(bytes: Uint8Array): Told {
  const reader = new ByteReader(bytes);
  const known = reader.u64();
  const oldSize = reader.u64();
  const prefix = oldSize === 0 ? undefined : readPrefix(reader);
  const verifierKey = decodeUtf8(reader.short(maxKeyLength));
  const note = decodeUtf8(reader.long(maxNoteLength));
  reader.end();
  return { known, oldSize, prefix, verifierKey, note };
}

function readPrefix(reader: ByteReader): PrefixProof {
  const oldRoot = Uint8Array.from(reader.take(hashLength));
  const count = reader.u8();
  if (count > maxProofHashes) throw reader.refuse('a consistency proof is too long');
  return { oldRoot, proof: Array.from({ length: count }, () => Uint8Array.from(reader.take(hashLength))) };
}
