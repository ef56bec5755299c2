/**
 * How a client proves its DID to a relay: a signature of the identity key over the relay's origin, a nonce and a time (docs/spec/06 §4).
 *
 * The origin is what stops a relay from passing another relay's challenge on and taking mail in the client's name: the client signs
 * the origin that it connected to, and no other relay accepts that. The nonce, of one connection, is what stops a replay.
 * @module
 */
import { verifyEd25519 } from '#suite';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { TransportError } from '../errors/transport-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { parseAgentId, type AgentId } from '../identity/agent-id.ts';
import { verifyKeyHistory, type KeyHistory } from '../identity/key-history.ts';
import type { TransportOwner } from '../message/transport.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { maxHistoryBytes, type RelayChallenge } from './relay-message.ts';

export type RelayProof = {
  readonly did: AgentId;
  /** 64 bytes, by the key that `history` says speaks for `did`. */
  readonly signature: Uint8Array;
  /** The key history as canonical JSON; empty while the key of the did:key is in force. */
  readonly history: Uint8Array;
};

export type ProvenAgent = {
  readonly did: AgentId;
  /** The key that speaks for `did` now. */
  readonly identityKey: Ed25519PublicKey;
  readonly historySequence: number;
  /** The hash of the history's last event, base64url; undefined if there is none. */
  readonly historyHead: string | undefined;
  /** The history that was shown, as canonical JSON: the relay keeps it, or where it ends, so that a key that was given up proves nothing any more. */
  readonly history: Uint8Array;
};

const label = 'talos/1 relay proof';
/** From the challenge to its answer, a signer behind a network included. */
const maxProofAgeMs = 30_000;

/** @param challenge - with the origin that the client connected to. */
export async function signRelayProof(challenge: RelayChallenge, identity: TransportOwner['identity']): Promise<RelayProof> {
  const history = identity.historySequence === 0 ? new Uint8Array() : encodeUtf8(canonicalJson(identity.history as unknown as JsonValue));
  return { did: identity.did, signature: await identity.signer.sign(signedBytes(challenge, identity.did)), history };
}

/**
 * What a relay knows of this agent's history is its own to compare with the result.
 * @throws {@link TransportError} `TALOS_TRANSPORT_REFUSED`, one code and message for every fault: who has no key learns nothing.
 */
export function verifyRelayProof(proof: RelayProof, input: { readonly challenge: RelayChallenge; readonly now: number }): ProvenAgent {
  const { challenge, now } = input;
  const ageMs = now - challenge.issuedAt;
  if (ageMs < 0 || ageMs > maxProofAgeMs) throw refuse();
  try {
    const agent = currentAgent(proof);
    verifyEd25519(agent.identityKey, signedBytes(challenge, proof.did), proof.signature);
    return agent;
  } catch {
    throw refuse();
  }
}

/**
 * Scheme, host and port of a relay's address.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if it is no ws: or wss: address.
 */
export function relayOrigin(address: string): string {
  const url = parseUrl(address);
  if (url === undefined || !['ws:', 'wss:'].includes(url.protocol) || url.username !== '' || url.password !== '')
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'a relay’s address is wss://host or ws://127.0.0.1:port' });
  return `${url.protocol}//${url.host}`;
}

function currentAgent({ did, history }: RelayProof): ProvenAgent {
  const didKey = parseAgentId(did);
  if (history.length === 0) return { did, identityKey: didKey, historySequence: 0, historyHead: undefined, history };
  const state = verifyKeyHistory(decodeHistory(history));
  if (state.did !== did || state.revoked) throw refuse();
  return { did, identityKey: state.currentKey, historySequence: state.sequence, historyHead: state.head, history };
}

function decodeHistory(bytes: Uint8Array): KeyHistory {
  if (bytes.length > maxHistoryBytes) throw refuse();
  return parseStrictJson(decodeUtf8(bytes)) as unknown as KeyHistory;
}

function signedBytes({ origin, nonce, issuedAt }: RelayChallenge, did: AgentId): Uint8Array {
  return new ByteWriter().short(encodeUtf8(label)).short(encodeUtf8(origin)).short(nonce).u64(issuedAt).short(encodeUtf8(did)).finish();
}

function parseUrl(address: string): URL | undefined {
  try {
    return new URL(address);
  } catch {
    return undefined;
  }
}

function refuse(): TransportError {
  return new TransportError({ code: 'TALOS_TRANSPORT_REFUSED', message: 'the proof does not speak for this agent at this relay now' });
}
