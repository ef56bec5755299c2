/**
 * The identity key's signature over the X25519 agreement key (docs/spec/01 §3). Two keys, because a KMS that holds Ed25519
 * cannot do X25519, and because one key in two roles invites an attack across them.
 * @module
 */
import { verifyEd25519 } from '#suite';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { IdentityError } from '../errors/identity-error.ts';
import type { Ed25519PublicKey, X25519PublicKey } from '../primitives/keys.ts';
import type { AgentId } from './agent-id.ts';
import type { Signer } from './signer.ts';

export type AgreementClaim = {
  readonly did: AgentId;
  readonly agreementKey: X25519PublicKey;
  /** Sequence of the key-history event whose key signs. */
  readonly historySequence: number;
};

const label = 'talos/1 agreement key';

/** 64 bytes. */
export async function signAgreementKey(claim: AgreementClaim, signer: Signer): Promise<Uint8Array> {
  return signer.sign(encodeClaim(claim));
}

/** @throws {@link IdentityError} `TALOS_IDENTITY_BAD_BUNDLE` if `identityKey` did not sign this claim. */
export function verifyAgreementKey(claim: AgreementClaim, certificate: Uint8Array, identityKey: Ed25519PublicKey): void {
  try {
    verifyEd25519(identityKey, encodeClaim(claim), certificate);
  } catch {
    throw new IdentityError({ code: 'TALOS_IDENTITY_BAD_BUNDLE', message: 'the agreement key is not certified by the identity it claims' });
  }
}

function encodeClaim({ did, agreementKey, historySequence }: AgreementClaim): Uint8Array {
  return new ByteWriter().short(encodeUtf8(label)).short(encodeUtf8(did)).u32(historySequence).raw(agreementKey.bytes).finish();
}
