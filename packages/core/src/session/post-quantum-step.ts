/**
 * The post-quantum step of the ratchet (docs/spec/04 §4.6): one fresh ML-KEM secret in one root step, in band.
 *
 *     A's chain n      every header carries A's KEM key          offered
 *     B's answer       every header carries the ciphertext       answered; ss enters the root step of this chain, at both ends
 *
 * Who has one message of a chain has the whole part of the step: what is dropped, repeated or late cannot split it. B's next chain can only
 * be the answer to A's, so A knows that a header without the ciphertext is not B's.
 * @module
 */
import { decapsulate, encapsulate, importKemPublicKey, importKemSecretKey } from '#kem';
import { sha256 } from '#suite';
import type { Env } from '../env/env.ts';
import type { KemSecretKey } from '../primitives/keys.ts';
import type { Secret } from '../primitives/secret.ts';
import { authFailed } from './frame.ts';
import type { MessageHeader } from './header.ts';
import { postQuantumAfterMs, postQuantumAfterSteps } from './limits.ts';

export type PostQuantumStep =
  | { readonly kind: 'idle' }
  /** Our present chain offers this key; the peer's next chain answers it, or is not the peer's. */
  | { readonly kind: 'offered'; readonly ownKemKey: KemSecretKey }
  /** The peer's present chain offers this key, 1,184 bytes, in range: our next chain answers it. */
  | { readonly kind: 'asked'; readonly peerKemKey: Uint8Array }
  /** Our present chain carries this answer, 1,088 bytes. */
  | { readonly kind: 'answered'; readonly ciphertext: Uint8Array };

export type PostQuantumState = {
  readonly step: PostQuantumStep;
  /** DH steps, of both directions, since the last KEM secret went in. */
  readonly dhSteps: number;
  /** When it went in, milliseconds since 1970: at first, by the handshake. */
  readonly healedAt: number;
};

/** What a root step takes besides the agreement, and the state after it. */
export type KemContribution = { readonly next: PostQuantumState; readonly kemSecret?: Uint8Array | undefined; readonly consumed: readonly Secret[] };

export function beginPostQuantum(now: number): PostQuantumState {
  return { step: { kind: 'idle' }, dhSteps: 0, healedAt: now };
}

/** Of a sending chain that begins: answers the peer's key, or offers one when it is due. Draws 64 bytes from `env` if it offers. */
export function contributeToSending(state: PostQuantumState, env: Env): KemContribution {
  const now = env.now();
  if (state.step.kind === 'asked') {
    const { ciphertext, sharedSecret } = encapsulate(importKemPublicKey(state.step.peerKemKey));
    return { next: { step: { kind: 'answered', ciphertext }, dhSteps: 0, healedAt: now }, kemSecret: sharedSecret, consumed: [] };
  }
  const isDue = state.dhSteps >= postQuantumAfterSteps || now - state.healedAt >= postQuantumAfterMs;
  const step: PostQuantumStep = isDue ? { kind: 'offered', ownKemKey: drawKemKey(env) } : { kind: 'idle' };
  return { next: { ...state, step, dhSteps: state.dhSteps + 1 }, consumed: [] };
}

/**
 * Of a receiving chain that begins, after its header opened under the next header key.
 * @throws {@link SessionError} `TALOS_SESSION_AUTH_FAILED` if the ciphertext is missing where one is due, is there where none is, or comes
 * with a key, or if the key is none.
 */
export function contributeToReceiving(state: PostQuantumState, header: MessageHeader, now: number): KemContribution {
  const { kemPublicKey, kemCiphertext } = header;
  if (state.step.kind === 'offered') {
    if (kemCiphertext === undefined || kemPublicKey !== undefined) throw authFailed();
    const { ownKemKey } = state.step;
    const next = { step: { kind: 'idle' }, dhSteps: 0, healedAt: now } as const;
    return { next, kemSecret: decapsulate(ownKemKey, kemCiphertext), consumed: [ownKemKey.seed] };
  }
  if (kemCiphertext !== undefined) throw authFailed();
  const step: PostQuantumStep = kemPublicKey === undefined ? { kind: 'idle' } : { kind: 'asked', peerKemKey: checkedKey(kemPublicKey) };
  return { next: { ...state, step, dhSteps: state.dhSteps + 1 }, consumed: [] };
}

/** The parts that every header of our present sending chain carries. */
export function kemPartsOf({ step }: PostQuantumState): Pick<MessageHeader, 'kemPublicKey' | 'kemCiphertext'> {
  if (step.kind === 'offered') return { kemPublicKey: step.ownKemKey.publicKey.bytes };
  return step.kind === 'answered' ? { kemCiphertext: step.ciphertext } : {};
}

/** SHA-256 of a header's KEM part; `undefined` if it has none. All headers of a chain have the same. */
export function hashKemParts({ kemPublicKey, kemCiphertext }: MessageHeader): Uint8Array | undefined {
  const part = kemPublicKey ?? kemCiphertext;
  return part === undefined ? undefined : sha256(part);
}

/** A copy: the header is a view of a plaintext. */
function checkedKey(bytes: Uint8Array): Uint8Array {
  try {
    return Uint8Array.from(importKemPublicKey(bytes).bytes);
  } catch {
    throw authFailed();
  }
}

function drawKemKey(env: Env): KemSecretKey {
  const seed = env.randomBytes(64);
  const key = importKemSecretKey(seed);
  seed.fill(0);
  return key;
}
