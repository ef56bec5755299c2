/**
 * A session at rest: version 1, at most 4 kB, skipped keys in rows of their own (docs/spec/04 §6). Secret: the store encrypts it.
 * @module
 */
import { importKemSecretKey } from '#kem';
import { importX25519PublicKey, importX25519SecretKey } from '#suite';
import { ByteReader } from '../bytes/reader.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { requireUint8Array } from '../errors/require.ts';
import { SessionError } from '../errors/session-error.ts';
import { parseAgentId, type AgentId } from '../identity/agent-id.ts';
import { Secret } from '../primitives/secret.ts';
import { sessionIdLength } from './frame.ts';
import { maxOldChains } from './limits.ts';
import { decodeMode, maxOpeningBytes, modeCode } from './opening.ts';
import type { PostQuantumState } from './post-quantum-step.ts';
import type { OwnSendingChain, PeerOldChain, PeerReceivingChain, RatchetState } from './ratchet-state.ts';
import { bindSession, type SessionState } from './session-state.ts';
import { skippedKeyId, type SkippedKey, type SkippedKeys } from './skipped-keys.ts';

/** A row of the store: the key of a message that has not arrived. `messageKey`: 32 bytes. Secret. */
export type StoredSkippedKey = { readonly chain: number; readonly number: number; readonly messageKey: Uint8Array; readonly storedAt: number };

const version = 1;
const maxStateBytes = 4096;
const maxDidBytes = 128;
const maxProofBytes = 89;
const roles = { initiator: 1, responder: 2 } as const;
const retiredReasons = { replaced: 1, yielded: 2 } as const;
const turns = { waiting: 1, sending: 2 } as const;
const postQuantumSteps = { idle: 0, offered: 1, asked: 2, answered: 3 } as const;
const kemSeedLength = 64;
const kemPublicKeyLength = 1184;
const kemCiphertextLength = 1088;

/**
 * Every field in its fixed order: equal states have equal bytes. @param session - After its first message; an `opening` responder has no bytes.
 * @returns A new array that holds live keys. Secret: wipe it once it is stored.
 */
export function encodeSessionState(session: SessionState): Uint8Array {
  const writer = new ByteWriter().u8(version).raw(session.sessionId).u8(roles[session.role]).u8(modeCode(session.mode));
  writer
    .short(encodeUtf8(session.ownDid))
    .short(encodeUtf8(session.peerDid))
    .u64(session.createdAt)
    .u64(session.openedAt)
    .u32(session.sentCount)
    .u8(session.retired === undefined ? 0 : retiredReasons[session.retired.reason])
    .u64(session.retired?.at ?? 0);
  writer.u8(session.supersedes === undefined ? 0 : 1).raw(session.supersedes ?? new Uint8Array(0));
  writer.u8(session.unanswered === undefined ? 0 : 1);
  if (session.unanswered !== undefined) writer.short(session.unanswered.opening).short(session.unanswered.proof);
  writePostQuantum(writer, session.ratchet.postQuantum);
  writeRatchet(writer, session.ratchet);
  return writer.finish();
}

/** A copy of the key, for a row of the store. Secret. */
export function encodeSkippedKey({ chain, number, messageKey, storedAt }: SkippedKey): StoredSkippedKey {
  return { chain, number, messageKey: Uint8Array.from(messageKey.expose()), storedAt };
}

/** @throws {@link SessionError} `TALOS_SESSION_BAD_STATE` on another version, or anything that `encodeSessionState` would not write. */
export function decodeSessionState(bytes: Uint8Array, skippedRows: readonly StoredSkippedKey[]): SessionState {
  requireUint8Array('state', bytes);
  if (bytes.length > maxStateBytes) throw badState();
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== version) throw badState();
    const session = readSession(reader, decodeSkippedKeys(skippedRows));
    reader.end();
    return session;
  } catch {
    throw badState();
  }
}

function writeRatchet(writer: ByteWriter, ratchet: RatchetState): void {
  const { turn, receiving, oldChains } = ratchet;
  writer.raw(ratchet.rootKey.expose()).raw(ratchet.nextSendingHeaderKey.expose()).raw(ratchet.nextReceivingHeaderKey.expose()).u32(ratchet.previousCount);
  // A responder's state exists only after its first message, so it is never `opening` at rest.
  if (turn.kind === 'opening') throw badState();
  if (turn.kind === 'waiting') writer.u8(turns.waiting).raw(turn.peerRatchetKey.bytes);
  else writeSendingChain(writer.u8(turns.sending), turn.chain);
  writer.u8(receiving === undefined ? 0 : 1);
  if (receiving !== undefined) {
    writer.u32(receiving.id).raw(receiving.peerRatchetKey.bytes).raw(receiving.chainKey.expose()).raw(receiving.headerKey.expose()).u32(receiving.nextNumber);
    writer.u8(receiving.kemHash === undefined ? 0 : 1).raw(receiving.kemHash ?? new Uint8Array(0));
  }
  writer.u8(oldChains.length);
  for (const chain of oldChains) writer.u32(chain.id).raw(chain.headerKey.expose()).u64(chain.closedAt);
}

function writeSendingChain(writer: ByteWriter, chain: OwnSendingChain): void {
  writer.raw(chain.ownRatchetKey.scalar.expose()).raw(chain.chainKey.expose()).raw(chain.headerKey.expose()).u32(chain.nextNumber);
}

function readSession(reader: ByteReader, skipped: SkippedKeys): SessionState {
  const sessionId = Uint8Array.from(reader.take(sessionIdLength));
  const roleCode = reader.u8();
  if (roleCode !== roles.initiator && roleCode !== roles.responder) throw badState();
  const role = roleCode === roles.initiator ? 'initiator' : 'responder';
  const mode = decodeMode(reader);
  const [ownDid, peerDid] = [readDid(reader), readDid(reader)];
  const [createdAt, openedAt, sentCount] = [reader.u64(), reader.u64(), reader.u32()];
  const retired = readRetired(reader);
  const supersedes = readFlag(reader) ? Uint8Array.from(reader.take(sessionIdLength)) : undefined;
  const unanswered = readFlag(reader)
    ? { opening: Uint8Array.from(reader.short(maxOpeningBytes)), proof: Uint8Array.from(reader.short(maxProofBytes)) }
    : undefined;
  const postQuantum = readPostQuantum(reader);
  const ratchet = { ...readRatchet(reader, skipped), postQuantum };
  const identity = { sessionId, role, ownDid, peerDid } as const;
  const life = { createdAt, openedAt, sentCount, supersedes, retired };
  return { ...identity, mode, ...life, unanswered, ratchet, binding: bindSession(identity) };
}

function writePostQuantum(writer: ByteWriter, { step, dhSteps, healedAt }: PostQuantumState): void {
  writer.u8(postQuantumSteps[step.kind]).u32(dhSteps).u64(healedAt);
  if (step.kind === 'offered') writer.raw(step.ownKemKey.seed.expose());
  else if (step.kind === 'asked') writer.raw(step.peerKemKey);
  else if (step.kind === 'answered') writer.raw(step.ciphertext);
}

function readPostQuantum(reader: ByteReader): PostQuantumState {
  const kind = reader.u8();
  const counts = { dhSteps: reader.u32(), healedAt: reader.u64() };
  return { step: readStep(reader, kind), ...counts };
}

/** A step in flight is whole or refused: half of one would be a session that dies at the next answer. */
function readStep(reader: ByteReader, kind: number): PostQuantumState['step'] {
  if (kind === postQuantumSteps.idle) return { kind: 'idle' };
  if (kind === postQuantumSteps.offered) return { kind: 'offered', ownKemKey: importKemSecretKey(reader.take(kemSeedLength)) };
  if (kind === postQuantumSteps.asked) return { kind: 'asked', peerKemKey: Uint8Array.from(reader.take(kemPublicKeyLength)) };
  if (kind === postQuantumSteps.answered) return { kind: 'answered', ciphertext: Uint8Array.from(reader.take(kemCiphertextLength)) };
  throw badState();
}

function readRetired(reader: ByteReader): SessionState['retired'] {
  const [code, at] = [reader.u8(), reader.u64()];
  if (code === retiredReasons.replaced) return { reason: 'replaced', at };
  if (code === retiredReasons.yielded) return { reason: 'yielded', at };
  if (code !== 0 || at !== 0) throw badState();
  return undefined;
}

function readRatchet(reader: ByteReader, skipped: SkippedKeys): Omit<RatchetState, 'postQuantum'> {
  const rootKey = readSecret(reader);
  const nextSendingHeaderKey = readSecret(reader);
  const nextReceivingHeaderKey = readSecret(reader);
  const previousCount = reader.u32();
  const turn = readTurn(reader);
  const receiving = readFlag(reader) ? readReceivingChain(reader) : undefined;
  const oldChains = readOldChains(reader);
  return { rootKey, turn, nextSendingHeaderKey, previousCount, receiving, nextReceivingHeaderKey, oldChains, skipped };
}

function readTurn(reader: ByteReader): RatchetState['turn'] {
  const kind = reader.u8();
  if (kind === turns.waiting) return { kind: 'waiting', peerRatchetKey: importX25519PublicKey(reader.take(32)) };
  if (kind !== turns.sending) throw badState();
  const ownRatchetKey = importX25519SecretKey(reader.take(32));
  return { kind: 'sending', chain: { ownRatchetKey, chainKey: readSecret(reader), headerKey: readSecret(reader), nextNumber: reader.u32() } };
}

function readReceivingChain(reader: ByteReader): PeerReceivingChain {
  const id = reader.u32();
  const peerRatchetKey = importX25519PublicKey(reader.take(32));
  const keys = { chainKey: readSecret(reader), headerKey: readSecret(reader) };
  const nextNumber = reader.u32();
  return { id, peerRatchetKey, ...keys, nextNumber, kemHash: readFlag(reader) ? Uint8Array.from(reader.take(32)) : undefined };
}

/** The count is checked before anything is read: a damaged byte must not become a long loop. */
function readOldChains(reader: ByteReader): readonly PeerOldChain[] {
  const count = reader.u8();
  if (count > maxOldChains) throw badState();
  return Array.from({ length: count }, () => ({ id: reader.u32(), headerKey: readSecret(reader), closedAt: reader.u64() }));
}

/** Oldest first, as they were stored: the order in which the bound takes them out. */
function decodeSkippedKeys(rows: readonly StoredSkippedKey[]): SkippedKeys {
  const ordered = rows.toSorted((a, b) => a.storedAt - b.storedAt || a.chain - b.chain || a.number - b.number);
  return new Map(ordered.map((row) => [skippedKeyId(row.chain, row.number), decodeSkippedKey(row)]));
}

function decodeSkippedKey({ chain, number, messageKey, storedAt }: StoredSkippedKey): SkippedKey {
  if (messageKey.length !== 32) throw badState();
  return { chain, number, messageKey: new Secret(Uint8Array.from(messageKey)), storedAt };
}

function readSecret(reader: ByteReader): Secret {
  return new Secret(Uint8Array.from(reader.take(32)));
}

function readDid(reader: ByteReader): AgentId {
  const did = decodeUtf8(reader.short(maxDidBytes));
  parseAgentId(did);
  return did as AgentId;
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) throw badState();
  return flag === 1;
}

function badState(): SessionError {
  return new SessionError({
    code: 'TALOS_SESSION_BAD_STATE',
    message: 'stored session state is malformed or of an unknown version: restore the store, or establish a new session',
  });
}
