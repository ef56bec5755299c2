/** KDF_RK of the Double Ratchet with header encryption (§4.3; docs/spec/04 §4.2). @module */
import { agreeX25519 } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { SessionError } from '../errors/session-error.ts';
import { hkdfSha256 } from '../primitives/kdf.ts';
import type { X25519PublicKey, X25519SecretKey } from '../primitives/keys.ts';
import { Secret } from '../primitives/secret.ts';

export type RootStep = {
  /** RK: the next root key. */
  readonly rootKey: Secret;
  /** CK: the first chain key of the chain that this step begins. */
  readonly chainKey: Secret;
  /** NHK: the header key of the chain after it, in the same direction. */
  readonly nextHeaderKey: Secret;
};

export type RootInput = {
  readonly rootKey: Secret;
  readonly ownRatchetKey: X25519SecretKey;
  readonly peerRatchetKey: X25519PublicKey;
  /** The suite's label: `RatchetConstants`. */
  readonly info: Uint8Array;
  /** Of the chain that carries a post-quantum step's answer, 32 bytes. Secret; wiped here. */
  readonly kemSecret?: Uint8Array | undefined;
};

const empty = /* @__PURE__ */ new Uint8Array(0);

/**
 * HKDF-SHA-256(salt = root key, ikm = X25519(own, peer) [‖ KEM secret]), 96 bytes. The old root key stands in the caller's `consumed`.
 * @throws {@link SessionError} `TALOS_SESSION_WEAK_PEER_KEY` if the shared point is all zero (RFC 7748 §6.1).
 */
export function deriveRootStep({ rootKey, ownRatchetKey, peerRatchetKey, info, kemSecret = empty }: RootInput): RootStep {
  const shared = agree(ownRatchetKey, peerRatchetKey);
  const ikm = concatBytes(shared, kemSecret);
  const output = hkdfSha256({ ikm, salt: rootKey.expose(), info, length: 96 });
  const step = { rootKey: cut(output, 0), chainKey: cut(output, 32), nextHeaderKey: cut(output, 64) };
  for (const secret of [shared, kemSecret, ikm, output]) secret.fill(0);
  return step;
}

/** The agreement of a handshake or a ratchet step, 32 bytes. @throws {@link SessionError} `TALOS_SESSION_WEAK_PEER_KEY`. */
export function agree(ownSecretKey: X25519SecretKey, peerPublicKey: X25519PublicKey): Uint8Array {
  try {
    return agreeX25519(ownSecretKey, peerPublicKey);
  } catch {
    throw new SessionError({ code: 'TALOS_SESSION_WEAK_PEER_KEY', message: 'the key of the peer has small order: the shared secret would be known to all' });
  }
}

function cut(output: Uint8Array, offset: number): Secret {
  return new Secret(output.slice(offset, offset + 32));
}
