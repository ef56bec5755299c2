/**
 * The sending half of the Double Ratchet with header encryption (Signal, revision 4, §4; docs/spec/04 §4).
 *
 * A pure function, as its counterpart is: the state that comes in is never written to, so a send that is not committed never happened.
 * @module
 */
import { generateX25519SecretKey } from '#suite';
import type { Env } from '../env/env.ts';
import type { Secret } from '../primitives/secret.ts';
import { deriveMessageKey, deriveNextChainKey } from './chain-key.ts';
import type { SealedMessage } from './frame.ts';
import { contributeToSending, kemPartsOf } from './post-quantum-step.ts';
import { talosRatchet, type RatchetConstants } from './ratchet-constants.ts';
import type { OwnSendingChain, RatchetState } from './ratchet-state.ts';
import { deriveRootStep } from './root-key.ts';

export type RatchetPlaintext = {
  readonly plaintext: Uint8Array;
  /** Associated data of this direction, `bindMessages` or `bindInitial`. */
  readonly binding: Uint8Array;
  /** Default: the only ones there are outside of tests. */
  readonly constants?: RatchetConstants;
};

export type RatchetSend = {
  readonly state: RatchetState;
  readonly message: SealedMessage;
  /** Keys that only the old state needs: wipe them once the new state is durable. */
  readonly consumed: readonly Secret[];
};

/**
 * RatchetEncrypt. The message key is derived from the chain, the nonce is random: after a state was restored from a copy the same
 * key meets another nonce, and two texts never share both.
 */
export function ratchetEncrypt(state: RatchetState, { plaintext, binding, constants = talosRatchet }: RatchetPlaintext, env: Env): RatchetSend {
  const begun = state.turn.kind === 'sending' ? { state, chain: state.turn.chain, consumed: [] } : beginSendingChain(state, constants, env);
  const { chain } = begun;
  const message = seal(begun.state, { plaintext, binding, constants, chain, nonce: env.randomBytes(12) });
  const advanced = { ...chain, chainKey: deriveNextChainKey(chain.chainKey), nextNumber: chain.nextNumber + 1 };
  return { state: { ...begun.state, turn: { kind: 'sending', chain: advanced } }, message, consumed: [...begun.consumed, chain.chainKey] };
}

/** The sending half of a DH ratchet step, put off until there is something to send: a key that waits less can be stolen less. */
function beginSendingChain(
  state: RatchetState,
  { rootInfo }: RatchetConstants,
  env: Env,
): { readonly state: RatchetState; readonly chain: OwnSendingChain; readonly consumed: readonly Secret[] } {
  // An opening responder has no chain: the session is handed out only after its first message was opened.
  if (state.turn.kind !== 'waiting') throw new TypeError('unreachable: a responder sends after it has received');
  const ownRatchetKey = generateX25519SecretKey(env);
  const kem = contributeToSending(state.postQuantum, env);
  const { peerRatchetKey } = state.turn;
  const step = deriveRootStep({ rootKey: state.rootKey, ownRatchetKey, peerRatchetKey, info: rootInfo, kemSecret: kem.kemSecret });
  const chain = { ownRatchetKey, chainKey: step.chainKey, headerKey: state.nextSendingHeaderKey, nextNumber: 0 };
  const turn = { kind: 'sending', chain } as const;
  const next: RatchetState = { ...state, rootKey: step.rootKey, turn, nextSendingHeaderKey: step.nextHeaderKey, postQuantum: kem.next };
  return { state: next, chain, consumed: [state.rootKey, ...kem.consumed] };
}

/** Header and body share the nonce and nothing else: their keys are independent (docs/spec/04 §4.2). */
type SealInput = Required<RatchetPlaintext> & { readonly chain: OwnSendingChain; readonly nonce: Uint8Array };

function seal(state: RatchetState, { plaintext, binding, constants, chain, nonce }: SealInput): SealedMessage {
  const counts = { previousCount: state.previousCount, number: chain.nextNumber };
  const header = { ratchetKey: chain.ownRatchetKey.publicKey.bytes, ...counts, ...kemPartsOf(state.postQuantum) };
  const encryptedHeader = constants.encryptHeader(header, { headerKey: chain.headerKey, isFirst: chain.nextNumber === 0, nonce, associatedData: binding });
  const messageKey = deriveMessageKey(chain.chainKey);
  const ciphertext = constants.encryptBody(plaintext, { messageKey, binding, nonce, encryptedHeader });
  // The chain still leads to it until the new state is committed; this copy has done its work.
  messageKey.wipe();
  return { nonce, encryptedHeader, ciphertext };
}
