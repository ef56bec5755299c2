/**
 * Key history: which key speaks for an agent now (docs/spec/01 §5). Signed, hash-linked, pre-rotated: every event commits to
 * the hash of the next key, and a rotation must reveal it, so a stolen present key cannot move the identity to a key of the thief.
 * @module
 */
import { encodeBase64url } from '../bytes/base64url.ts';
import { IdentityError } from '../errors/identity-error.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { formatAgentId, keyThumbprint, type AgentId } from './agent-id.ts';
import {
  badHistory,
  hashKeyEvent,
  keyCommitment,
  parseKeyEvent,
  signKeyEvent,
  verifyKeyEventSignatures,
  type KeyEvent,
  type SignedKeyEvent,
} from './key-event.ts';
import type { Signer } from './signer.ts';

export type KeyHistory = readonly SignedKeyEvent[];

/** What a verified history says. */
export type KeyState = {
  readonly did: AgentId;
  readonly sequence: number;
  /** `hashKeyEvent` of the newest event. */
  readonly head: string;
  readonly currentKey: Ed25519PublicKey;
  /** Commitment to the key after the current one. */
  readonly next: string;
  readonly revoked: boolean;
  /** Every key that was ever in force, by thumbprint, with the time from which it was. */
  readonly keys: ReadonlyMap<string, { readonly key: Ed25519PublicKey; readonly notBefore: number }>;
};

/** Weekly rotation for ten years; each event costs a verifier one or two signatures. */
const maxEvents = 520;

/** The first event: this key is the agent, and that key will follow it. */
export async function createKeyHistory(input: { readonly signer: Signer; readonly nextKey: Ed25519PublicKey; readonly now: number }): Promise<KeyHistory> {
  const { signer, nextKey, now } = input;
  const event = {
    ...eventBase(signer.publicKey, now),
    type: 'create',
    did: formatAgentId(signer.publicKey),
    sequence: 0,
    previous: '',
    next: keyCommitment(nextKey),
    reason: '',
  } as const;
  return [await signKeyEvent(event, [signer])];
}

/**
 * Puts the committed next key in force and commits to the one after it.
 * @param input.now - Milliseconds since 1970.
 * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_HISTORY` if `nextSigner` is not the key that was committed to; `TALOS_IDENTITY_REVOKED`.
 */
export async function rotateKeyHistory(history: KeyHistory, input: RotateInput): Promise<KeyHistory> {
  const state = currentState(history);
  const { signer, nextSigner, followingKey, now, reason = '' } = input;
  if (keyCommitment(nextSigner.publicKey) !== state.next) throw badHistory('the new key is not the one that was committed to');
  const event = { ...eventBase(nextSigner.publicKey, now), ...linkAfter(state), type: 'rotate', next: keyCommitment(followingKey), reason } as const;
  return extend(history, await signKeyEvent(event, [signer, nextSigner]));
}

export type RotateInput = {
  readonly signer: Signer;
  readonly nextSigner: Signer;
  /** The key that the rotation after this one will reveal. */
  readonly followingKey: Ed25519PublicKey;
  readonly now: number;
  readonly reason?: string;
};

/** Ends the identity: nothing may follow. */
export async function revokeKeyHistory(
  history: KeyHistory,
  input: { readonly signer: Signer; readonly now: number; readonly reason?: string },
): Promise<KeyHistory> {
  const state = currentState(history);
  const event = { ...eventBase(state.currentKey, input.now), ...linkAfter(state), type: 'revoke', next: '', reason: input.reason ?? '' } as const;
  return extend(history, await signKeyEvent(event, [input.signer]));
}

/**
 * Checks every signature, link, sequence and revealed commitment.
 * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_HISTORY`.
 */
export function verifyKeyHistory(history: KeyHistory): KeyState {
  if (!Array.isArray(history) || history.length === 0 || history.length > maxEvents) throw badHistory(`it needs 1 to ${maxEvents} events`);
  let state: KeyState | undefined;
  for (const signed of history as KeyHistory) state = state === undefined ? verifyCreate(signed) : verifyNext(state, signed);
  return state as KeyState;
}

/**
 * The longer of two histories of one agent, if one continues the other.
 * @throws {@link IdentityError} `TALOS_IDENTITY_EQUIVOCATION` if they differ at one sequence: both are signed, so the pair is the evidence.
 */
export function reconcileKeyHistories(known: KeyHistory, offered: KeyHistory): KeyHistory {
  if (verifyKeyHistory(known).did !== verifyKeyHistory(offered).did) throw badHistory('these are histories of two agents');
  const shared = Math.min(known.length, offered.length);
  for (let i = 0; i < shared; i++) {
    if ((known[i] as SignedKeyEvent).event !== (offered[i] as SignedKeyEvent).event) {
      throw new IdentityError({ code: 'TALOS_IDENTITY_EQUIVOCATION', message: `two signed key events have sequence ${i}: the identity is refused` });
    }
  }
  return offered.length > known.length ? offered : known;
}

function verifyCreate(signed: SignedKeyEvent): KeyState {
  const { event, key } = parseKeyEvent(signed);
  if (event.type !== 'create' || event.sequence !== 0 || event.previous !== '') throw badHistory('it does not begin with create');
  if (event.did !== formatAgentId(key)) throw badHistory('the first key is not the key of the did');
  if (event.next === '') throw badHistory('an event does not commit to a next key');
  verifyKeyEventSignatures(signed, [key]);
  return advance(undefined, { signed, event, key });
}

function verifyNext(state: KeyState, signed: SignedKeyEvent): KeyState {
  const { event, key } = parseKeyEvent(signed);
  if (state.revoked) throw badHistory('an event follows a revocation');
  if (event.type === 'create' || event.did !== state.did || event.sequence !== state.sequence + 1 || event.previous !== state.head)
    throw badHistory('an event does not follow the one before it');
  if (event.type === 'revoke') {
    if (keyThumbprint(key) !== keyThumbprint(state.currentKey) || event.next !== '') throw badHistory('a revocation must name the current key');
    verifyKeyEventSignatures(signed, [state.currentKey]);
  } else {
    if (keyCommitment(key) !== state.next || event.next === '') throw badHistory('a rotation reveals a key that was not committed to');
    verifyKeyEventSignatures(signed, [state.currentKey, key]);
  }
  return advance(state, { signed, event, key });
}

function advance(before: KeyState | undefined, step: { readonly signed: SignedKeyEvent; readonly event: KeyEvent; readonly key: Ed25519PublicKey }): KeyState {
  const { signed, event, key } = step;
  const keys = new Map(before?.keys);
  if (event.type !== 'revoke') keys.set(keyThumbprint(key), { key, notBefore: event.notBefore });
  return {
    did: event.did as AgentId,
    sequence: event.sequence,
    head: hashKeyEvent(signed),
    currentKey: key,
    next: event.next,
    revoked: event.type === 'revoke',
    keys,
  };
}

function currentState(history: KeyHistory): KeyState {
  const state = verifyKeyHistory(history);
  if (state.revoked) throw new IdentityError({ code: 'TALOS_IDENTITY_REVOKED', message: 'this identity was revoked: create a new one' });
  return state;
}

/** What was just written must verify: a wrong signer is found here, by its owner, and not by every peer. */
function extend(history: KeyHistory, signed: SignedKeyEvent): KeyHistory {
  const longer = [...history, signed];
  verifyKeyHistory(longer);
  return longer;
}

function eventBase(key: Ed25519PublicKey, now: number): { readonly v: 1; readonly key: string; readonly notBefore: number } {
  return { v: 1, key: encodeBase64url(key.bytes), notBefore: Math.floor(now / 1000) };
}

function linkAfter(state: KeyState): { readonly did: AgentId; readonly sequence: number; readonly previous: string } {
  return { did: state.did, sequence: state.sequence + 1, previous: state.head };
}
