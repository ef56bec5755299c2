/**
 * PQXDH with ML-KEM-768: the key agreement of a handshake (Signal PQXDH revision 3; docs/spec/04 §3).
 *
 * Who records today and has a quantum computer later needs the KEM's secret as well as the agreements; who breaks the KEM needs the
 * agreements. Both go into one HKDF, and the transcript binds them to these two agents and these keys.
 * @module
 */
import { concatBytes } from '../bytes/concat.ts';
import { hkdfSha256, labelled, labels } from '../primitives/kdf.ts';
import type { X25519PublicKey, X25519SecretKey } from '../primitives/keys.ts';
import { Secret } from '../primitives/secret.ts';
import { sessionIdLength } from './frame.ts';
import { agree } from './root-key.ts';

/** The 112 bytes that both sides derive. */
export type HandshakeKeys = {
  /** The ratchet's first root key. */
  readonly rootKey: Secret;
  /** The header key of the initiator's first chain. */
  readonly initiatorHeaderKey: Secret;
  /** The header key of the responder's first chain. */
  readonly responderHeaderKey: Secret;
  /** 16 bytes, public. */
  readonly sessionId: Uint8Array;
};

/** One side of an agreement: own secret, peer's public key. */
export type Agreement = readonly [own: X25519SecretKey, peer: X25519PublicKey];

export type AgreementInput = {
  /** DH1 (IK_A, SPK_B), DH2 (EK_A, IK_B), DH3 (EK_A, SPK_B) and, with a one-time pair, DH4 (EK_A, OPK_B): in this order. */
  readonly agreements: readonly Agreement[];
  /** From ML-KEM-768, 32 bytes. Secret; wiped here. */
  readonly kemSecret: Uint8Array;
  readonly transcriptHash: Uint8Array;
};

/** F of PQXDH §2.2: no encoding of a curve point begins with 32 bytes of 0xff, so the input is of this protocol and no other. */
const domainSeparator = /* @__PURE__ */ new Uint8Array(32).fill(0xff);
const salt = /* @__PURE__ */ new Uint8Array(32);

/**
 * HKDF-SHA-256(salt = 0³², ikm = F ‖ DH1 ‖ DH2 ‖ DH3 [‖ DH4] ‖ ss, info = "talos/1 pqxdh" ‖ H(transcript)).
 * @throws {@link SessionError} `TALOS_SESSION_WEAK_PEER_KEY` if an agreement is all zero (RFC 7748 §6.1).
 */
export function deriveHandshakeKeys({ agreements, kemSecret, transcriptHash }: AgreementInput): HandshakeKeys {
  const shared = agreements.map(([own, peer]) => agree(own, peer));
  const ikm = concatBytes(domainSeparator, ...shared, kemSecret);
  const output = hkdfSha256({ ikm, salt, info: labelled(labels.handshake, transcriptHash), length: 96 + sessionIdLength });
  const cut = (offset: number): Secret => new Secret(output.slice(offset, offset + 32));
  const keys = { rootKey: cut(0), initiatorHeaderKey: cut(32), responderHeaderKey: cut(64), sessionId: output.slice(96) };
  for (const secret of [...shared, kemSecret, ikm, output]) secret.fill(0);
  return keys;
}
