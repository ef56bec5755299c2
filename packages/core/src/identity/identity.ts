/** An agent's own identity: the signing key, the agreement key it certifies, and the history that binds them. @module */
import { importEd25519SecretKey, importX25519SecretKey } from '#suite';
import type { Env } from '../env/env.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { equalBytes } from '../bytes/equal.ts';
import type { X25519SecretKey } from '../primitives/keys.ts';
import { Secret } from '../primitives/secret.ts';
import { signAgreementKey } from './agreement-certificate.ts';
import type { AgentId } from './agent-id.ts';
import type { IdentitySecrets } from './identity-secrets.ts';
import { createKeyHistory, rotateKeyHistory, verifyKeyHistory, type KeyHistory } from './key-history.ts';
import { localSigner, type Signer } from './signer.ts';

export type Identity = {
  readonly did: AgentId;
  /** Signs tokens, bundles, handshakes and key events; never checkpoints: the log has a key of its own. */
  readonly signer: Signer;
  readonly agreementKey: X25519SecretKey;
  /** `signer`'s signature over the agreement key, 64 bytes. */
  readonly agreementCertificate: Uint8Array;
  readonly history: KeyHistory;
  readonly historySequence: number;
};

/** Three fresh 32-byte secrets and the history that begins with them. */
export async function generateIdentitySecrets(env: Env): Promise<IdentitySecrets> {
  const draw = (): Secret => new Secret(env.randomBytes(32));
  const secrets = { signingSeed: draw(), nextSeed: draw(), agreementScalar: draw() };
  const signer = localSigner(importEd25519SecretKey(secrets.signingSeed.expose()));
  const nextKey = importEd25519SecretKey(secrets.nextSeed.expose()).publicKey;
  return { ...secrets, history: await createKeyHistory({ signer, nextKey, now: env.now() }) };
}

/**
 * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_HISTORY` if the stored history does not verify or names another key,
 * `TALOS_IDENTITY_REVOKED` if it ends in a revocation.
 */
export async function restoreIdentity(secrets: IdentitySecrets): Promise<Identity> {
  const state = verifyKeyHistory(secrets.history);
  const signer = localSigner(importEd25519SecretKey(secrets.signingSeed.expose()));
  if (state.revoked) throw new IdentityError({ code: 'TALOS_IDENTITY_REVOKED', message: 'this identity was revoked: create a new one' });
  if (!equalBytes(state.currentKey.bytes, signer.publicKey.bytes)) {
    throw new IdentityError({ code: 'TALOS_IDENTITY_BAD_HISTORY', message: 'the stored signing key is not the current key of the stored history' });
  }
  const agreementKey = importX25519SecretKey(secrets.agreementScalar.expose());
  const claim = { did: state.did, agreementKey: agreementKey.publicKey, historySequence: state.sequence };
  const agreementCertificate = await signAgreementKey(claim, signer);
  return { did: state.did, signer, agreementKey, agreementCertificate, history: secrets.history, historySequence: state.sequence };
}

/** Puts the pre-rotated key in force and draws the one after it. Save the result before it is used. */
export async function rotateIdentitySecrets(secrets: IdentitySecrets, env: Env, reason = ''): Promise<IdentitySecrets> {
  const followingSeed = new Secret(env.randomBytes(32));
  const signerOf = (seed: Secret): Signer => localSigner(importEd25519SecretKey(seed.expose()));
  const followingKey = importEd25519SecretKey(followingSeed.expose()).publicKey;
  const step = { signer: signerOf(secrets.signingSeed), nextSigner: signerOf(secrets.nextSeed), followingKey, now: env.now(), reason };
  const history = await rotateKeyHistory(secrets.history, step);
  return { ...secrets, signingSeed: secrets.nextSeed, nextSeed: followingSeed, history };
}
