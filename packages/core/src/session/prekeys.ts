/**
 * The responder's prekeys: made here, offered in bundles, kept as rows of the session store (docs/spec/04 §2.3).
 *
 *     signed       X25519, a week in bundles    authenticates the responder's side of DH1, and is its first ratchet key
 *     lastResort   ML-KEM, as long              when a bundle has no pair
 *     oneTime      X25519 and ML-KEM            one initiator, then gone: what a replay of a first message needs
 * @module
 */
import { importKemSecretKey } from '#kem';
import { generateX25519SecretKey, importX25519SecretKey } from '#suite';
import { SessionError } from '../errors/session-error.ts';
import type { Env } from '../env/env.ts';
import type { KemSecretKey, X25519SecretKey } from '../primitives/keys.ts';
import { prekeyRetentionMs, signedPrekeyLifeMs } from './limits.ts';

/** Lives through many handshakes: nobody who finishes with a session may wipe it. */
export type OwnSignedPrekey = { readonly kind: 'signed'; readonly id: number; readonly secretKey: X25519SecretKey; readonly notAfter: number };
/** Used by every initiator whose bundle had no one-time pair. */
export type OwnLastResortPrekey = { readonly kind: 'lastResort'; readonly id: number; readonly secretKey: KemSecretKey; readonly notAfter: number };
export type OwnOneTimePair = {
  readonly kind: 'oneTime';
  readonly id: number;
  readonly x25519Key: X25519SecretKey;
  readonly kemKey: KemSecretKey;
  /** As for every prekey: the last moment at which a bundle offers it, milliseconds since 1970. */
  readonly notAfter: number;
};
export type OwnPrekey = OwnSignedPrekey | OwnLastResortPrekey | OwnOneTimePair;

/** A row of the store. `secret`: 32 bytes (signed), 64 (lastResort), 96 (oneTime: X25519 scalar ‖ KEM seed). */
export type StoredPrekey = { readonly kind: OwnPrekey['kind']; readonly id: number; readonly secret: Uint8Array; readonly notAfter: number };

const secretLengths = /* @__PURE__ */ Object.freeze({ signed: 32, lastResort: 64, oneTime: 96 });

/** A signed prekey and the last-resort KEM prekey that lives as long. */
export function generateReusablePrekeys(env: Env): { readonly signed: OwnSignedPrekey; readonly lastResort: OwnLastResortPrekey } {
  const notAfter = env.now() + signedPrekeyLifeMs;
  return {
    signed: { kind: 'signed', id: drawId(env), secretKey: generateX25519SecretKey(env), notAfter },
    lastResort: { kind: 'lastResort', id: drawId(env), secretKey: drawKem(env), notAfter },
  };
}

/** One pair for one bundle for one initiator. `notAfter`: when that bundle expires. */
export function generateOneTimePair(notAfter: number, env: Env): OwnOneTimePair {
  return { kind: 'oneTime', id: drawId(env), x25519Key: generateX25519SecretKey(env), kemKey: drawKem(env), notAfter };
}

/** Whether the secret may be deleted: no first message to it can still be on its way. */
export function isPrekeyOver(prekey: { readonly notAfter: number }, now: number): boolean {
  return now > prekey.notAfter + prekeyRetentionMs;
}

/** Copies of the secret bytes. Secret: encrypt before it is stored. */
export function encodePrekey(prekey: OwnPrekey): StoredPrekey {
  const { kind, id, notAfter } = prekey;
  if (prekey.kind !== 'oneTime') {
    const secret = prekey.kind === 'signed' ? prekey.secretKey.scalar : prekey.secretKey.seed;
    return { kind, id, secret: Uint8Array.from(secret.expose()), notAfter };
  }
  const secret = new Uint8Array(secretLengths.oneTime);
  secret.set(prekey.x25519Key.scalar.expose());
  secret.set(prekey.kemKey.seed.expose(), 32);
  return { kind, id, secret, notAfter };
}

/** @throws {@link SessionError} `TALOS_SESSION_BAD_STATE` if the row is not of this kind or has another length. */
export function decodePrekey<Kind extends OwnPrekey['kind']>(row: StoredPrekey, kind: Kind): Extract<OwnPrekey, { kind: Kind }> {
  if (row.kind !== kind || row.secret.length !== secretLengths[kind]) {
    throw new SessionError({ code: 'TALOS_SESSION_BAD_STATE', message: 'a stored prekey is not what its row says' });
  }
  return revive(row) as Extract<OwnPrekey, { kind: Kind }>;
}

/** Imports copy the bytes; the row is the caller's to wipe. */
function revive({ kind, id, secret, notAfter }: StoredPrekey): OwnPrekey {
  if (kind === 'signed') return { kind, id, notAfter, secretKey: importX25519SecretKey(secret) };
  if (kind === 'lastResort') return { kind, id, notAfter, secretKey: importKemSecretKey(secret) };
  return { kind, id, notAfter, x25519Key: importX25519SecretKey(secret.subarray(0, 32)), kemKey: importKemSecretKey(secret.subarray(32)) };
}

/** Random, so that two processes over one store do not need to agree on a counter. */
function drawId(env: Env): number {
  return new DataView(env.randomBytes(4).buffer).getUint32(0);
}

function drawKem(env: Env): KemSecretKey {
  const seed = env.randomBytes(64);
  const key = importKemSecretKey(seed);
  seed.fill(0);
  return key;
}
