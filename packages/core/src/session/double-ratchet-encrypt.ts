/**
 * The sending half of the Double Ratchet with header encryption (Signal, revision 4, §4; docs/spec/04 §4).
 *
 * A pure function, as its counterpart is: the state that comes in is never written to, so a send that is not committed never happened.
 * @module
 */
import { encryptAead, generateX25519SecretKey } from '#suite';
import type { Env } from '../env/env.ts';
import type { Secret } from '../primitives/secret.ts';
import { bindBody } from './associated-data.ts';
import { deriveMessageKey, deriveNextChainKey } from './chain-key.ts';
import type { SealedMessage } from './frame.ts';
import { encryptHeader } from './header.ts';
import { contributeToSending, kemPartsOf } from './post-quantum-step.ts';
import type { OwnSendingChain, RatchetState } from './ratchet-state.ts';
import { deriveRootStep } from './root-key.ts';

export type RatchetSend = {
  readonly state: RatchetState;
  readonly message: SealedMessage;
  /** Keys that only the old state needs: wipe them once the new state is durable. */
  readonly consumed: readonly Secret[];
};

/**
 * RatchetEncrypt. The message key is derived from the chain, the nonce is random: after a state was restored from a copy the same
 * key meets another nonce, and two texts never share both.
 * @param input.binding - Associated data of this direction, `bindMessages` or `bindInitial`.
 */
export function ratchetEncrypt(state: RatchetState, input: { readonly plaintext: Uint8Array; readonly binding: Uint8Array }, env: Env): RatchetSend {
  const begun = state.turn.kind === 'sending' ? { state, chain: state.turn.chain, consumed: [] } : beginSendingChain(state, env);
  const { chain } = begun;
  const message = seal(begun.state, { ...input, chain, nonce: env.randomBytes(12) });
  const advanced = { ...chain, chainKey: deriveNextChainKey(chain.chainKey), nextNumber: chain.nextNumber + 1 };
  return { state: { ...begun.state, turn: { kind: 'sending', chain: advanced } }, message, consumed: [...begun.consumed, chain.chainKey] };
}

/** The sending half of a DH ratchet step, put off until there is something to send: a key that waits less can be stolen less. */
function beginSendingChain(
  state: RatchetState,
  env: Env,
): { readonly state: RatchetState; readonly chain: OwnSendingChain; readonly consumed: readonly Secret[] } {
  // An opening responder has no chain: the session is handed out only after its first message was opened.
  if (state.turn.kind !== 'waiting') throw new TypeError('unreachable: a responder sends after it has received');
  const ownRatchetKey = generateX25519SecretKey(env);
  const kem = contributeToSending(state.postQuantum, env);
  const step = deriveRootStep({ rootKey: state.rootKey, ownRatchetKey, peerRatchetKey: state.turn.peerRatchetKey, kemSecret: kem.kemSecret });
  const chain = { ownRatchetKey, chainKey: step.chainKey, headerKey: state.nextSendingHeaderKey, nextNumber: 0 };
  const turn = { kind: 'sending', chain } as const;
  const next: RatchetState = { ...state, rootKey: step.rootKey, turn, nextSendingHeaderKey: step.nextHeaderKey, postQuantum: kem.next };
  return { state: next, chain, consumed: [state.rootKey, ...kem.consumed] };
}

/** Header and body share the nonce and nothing else: their keys are independent (docs/spec/04 §4.2). */
type SealInput = { readonly plaintext: Uint8Array; readonly binding: Uint8Array; readonly chain: OwnSendingChain; readonly nonce: Uint8Array };

function seal(state: RatchetState, { plaintext, binding, chain, nonce }: SealInput): SealedMessage {
  const counts = { previousCount: state.previousCount, number: chain.nextNumber };
  const header = { ratchetKey: chain.ownRatchetKey.publicKey.bytes, ...counts, ...kemPartsOf(state.postQuantum) };
  const encryptedHeader = encryptHeader(header, { headerKey: chain.headerKey, nonce, associatedData: binding });
  const messageKey = deriveMessageKey(chain.chainKey);
  const associatedData = bindBody(binding, { nonce, encryptedHeader });
  const ciphertext = encryptAead({ key: messageKey.expose(), nonce, associatedData, plaintext });
  // The chain still leads to it until the new state is committed; this copy has done its work.
  messageKey.wipe();
  return { nonce, encryptedHeader, ciphertext };
}
