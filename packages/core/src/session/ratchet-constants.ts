/**
 * What of the ratchet is this suite's and not the Double Ratchet's: a label, and how header and body are sealed. The product has one value
 * of it; tests put those of other protocols in its place, so that foreign code answers for the state machine (docs/spec/04 §4.7).
 * @module
 */
import { decryptAead, encryptAead } from '#suite';
import { labelled, labels } from '../primitives/kdf.ts';
import type { Secret } from '../primitives/secret.ts';
import { bindBody } from './associated-data.ts';
import type { SealedMessage } from './frame.ts';
import { encryptHeader, openHeader, type HeaderSeal, type MessageHeader } from './header.ts';

export type BodySeal = { readonly messageKey: Secret; readonly binding: Uint8Array };

export type RatchetConstants = {
  /** `info` of KDF_RK. */
  readonly rootInfo: Uint8Array;
  encryptHeader(header: MessageHeader, seal: HeaderSeal): Uint8Array;
  /** `undefined` if the header is not of the chain of this key. */
  openHeader(encryptedHeader: Uint8Array, seal: HeaderSeal): MessageHeader | undefined;
  encryptBody(plaintext: Uint8Array, seal: BodySeal & Omit<SealedMessage, 'ciphertext'>): Uint8Array;
  /** Throws if the body does not authenticate. */
  decryptBody(message: SealedMessage, seal: BodySeal): Uint8Array;
};

export const talosRatchet: RatchetConstants = /* @__PURE__ */ Object.freeze({
  rootInfo: /* @__PURE__ */ labelled(labels.rootStep),
  encryptHeader,
  openHeader,
  encryptBody: (plaintext: Uint8Array, { messageKey, binding, nonce, encryptedHeader }: BodySeal & Omit<SealedMessage, 'ciphertext'>) =>
    encryptAead({ key: messageKey.expose(), nonce, associatedData: bindBody(binding, { nonce, encryptedHeader }), plaintext }),
  decryptBody: (message: SealedMessage, { messageKey, binding }: BodySeal) =>
    decryptAead({ key: messageKey.expose(), nonce: message.nonce, associatedData: bindBody(binding, message), ciphertext: message.ciphertext }),
});
