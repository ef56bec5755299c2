/**
 * Rotation and the end of an identity, crash-safe (docs/spec/01 §9). Loaded by those who rotate.
 *
 *     claim of the next sequence → identity record → claim emptied → log → peers
 *
 * Before the record is saved the old key is in force, and nobody has seen the new event; after it the new one is. Of two processes that
 * rotate at once one makes the claim, and the other takes what it claimed: two events of one sequence would end the identity.
 * @module
 */
import { sha256 } from '#suite';
import { encodeBase64url } from '../bytes/base64url.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import type { Env } from '../env/env.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { importEd25519SecretKey } from '#suite';
import { rotateIdentitySecrets } from '../identity/identity.ts';
import { decodeIdentitySecrets, encodeIdentitySecrets, type IdentitySecrets } from '../identity/identity-secrets.ts';
import { revokeKeyHistory, verifyKeyHistory } from '../identity/key-history.ts';
import type { KeyStore } from '../identity/key-store.ts';
import { localSigner } from '../identity/signer.ts';

export type KeyLifeInput = { readonly name: string; readonly keys: KeyStore; readonly env: Env; readonly reason: string };

/** Puts the pre-rotated key in force. @returns The secrets that are now on disk. */
export function rotateRecord(input: KeyLifeInput): Promise<IdentitySecrets> {
  return advance(input, (secrets) => rotateIdentitySecrets(secrets, input.env, input.reason));
}

/**
 * Ends the identity for good. A rotation that was claimed before, by another process or by a run that died in it, is carried out first: who
 * ends a key that was stolen must not be told that it is done when it only moved on.
 * @returns The secrets with the history that says so.
 */
export async function revokeRecord(input: KeyLifeInput): Promise<IdentitySecrets> {
  const secrets = await advance(input, async (before) => {
    const signer = localSigner(importEd25519SecretKey(before.signingSeed.expose()));
    return { ...before, history: await revokeKeyHistory(before.history, { signer, now: input.env.now(), reason: input.reason }) };
  });
  return verifyKeyHistory(secrets.history).revoked ? secrets : revokeRecord(input);
}

async function advance(input: KeyLifeInput, next: (secrets: IdentitySecrets) => Promise<IdentitySecrets>): Promise<IdentitySecrets> {
  const { keys, name } = input;
  const record = `agent.${name}`;
  const before = await load(keys, record);
  if (before === undefined) throw missing();
  const claim = claimOf(before, before.history.length);
  const won = await claimNext(keys, claim, await next(before));
  // Whoever lost the claim may find that it was carried out meanwhile.
  const present = (await load(keys, record)) as IdentitySecrets;
  if (present.history.length > before.history.length) return present;
  if (won === undefined) throw missing();
  await save(keys, { name: record, expected: 'present' }, won);
  await keys.save(claim, new Uint8Array(1), 'present');
  return won;
}

/** Ours, or what another process, or an earlier run that ended before it was done, claimed; `undefined` if that was carried out. */
async function claimNext(keys: KeyStore, claim: string, secrets: IdentitySecrets): Promise<IdentitySecrets | undefined> {
  try {
    await save(keys, { name: claim, expected: 'absent' }, secrets);
    return secrets;
  } catch (error) {
    if (!StoreError.isInstance(error) || error.code !== 'TALOS_STORE_CONFLICT') throw error;
    return load(keys, claim);
  }
}

/** One name for one event of one agent, within what a key store takes as a name. */
function claimOf({ history }: IdentitySecrets, sequence: number): string {
  return `next.${encodeBase64url(sha256(encodeUtf8(`${verifyKeyHistory(history).did} ${sequence}`)))}`;
}

async function load(keys: KeyStore, record: string): Promise<IdentitySecrets | undefined> {
  const kept = await keys.load(record);
  if (kept === undefined || kept.length === 1) return undefined;
  const secrets = decodeIdentitySecrets(kept);
  kept.fill(0);
  return secrets;
}

type Record = { readonly name: string; readonly expected: 'absent' | 'present' };

async function save(keys: KeyStore, { name, expected }: Record, secrets: IdentitySecrets): Promise<void> {
  const encoded = encodeIdentitySecrets(secrets);
  await keys.save(name, encoded, expected);
  encoded.fill(0);
}

function missing(): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_LOCKED', message: 'the identity is not in its home any more: was the home moved or removed?' });
}
