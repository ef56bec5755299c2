/** KDF_CK of the Double Ratchet (§2.2; docs/spec/04 §4.2): one step gives a message key and the next chain key. @module */
import { hmacSha256 } from '#suite';
import { Secret } from '../primitives/secret.ts';

const messageInput = /* @__PURE__ */ Uint8Array.of(1);
const chainInput = /* @__PURE__ */ Uint8Array.of(2);

/** HMAC(CK, 0x01): 32 bytes, the key of one message. Secret, used once, then wiped. */
export function deriveMessageKey(chainKey: Secret): Secret {
  return new Secret(hmacSha256(chainKey.expose(), messageInput));
}

/** HMAC(CK, 0x02). The input still stands: wipe it when the message is committed. */
export function deriveNextChainKey(chainKey: Secret): Secret {
  return new Secret(hmacSha256(chainKey.expose(), chainInput));
}
