/** The agent's own bundle: prekeys made when they are needed, kept before they are shown, forgotten when they are over. @module */
import type { Env } from '../env/env.ts';
import type { Identity } from '../identity/identity.ts';
import { signPrekeyBundle } from '../identity/prekey-bundle.ts';
import { signedPrekeyLifeMs, signedPrekeyRestMs } from '../session/limits.ts';
import {
  decodePrekey,
  encodePrekey,
  generateOneTimePair,
  generateReusablePrekeys,
  isPrekeyOver,
  type OwnLastResortPrekey,
  type OwnSignedPrekey,
  type StoredPrekey,
} from '../session/prekeys.ts';
import type { SessionStore } from '../session/session-store.ts';

export type OwnPrekeyParts = { readonly identity: Identity; readonly store: SessionStore; readonly env: Env };

export type BundleOptions = {
  /** Default true. False for the bundle that a directory hands out when those with a pair are used up. */
  readonly oneTime?: boolean;
  /** Milliseconds since 1970: good until then, as far as a signed prekey lives. */
  readonly validUntil?: number;
  /** Default true: with the key history before it, if the key was rotated. False for a directory, which has the history. */
  readonly introduced?: boolean;
};

type Reusable = { readonly signed: OwnSignedPrekey; readonly lastResort: OwnLastResortPrekey };

/** A signed bundle, with a one-time pair of its own unless `oneTime` is false: give one that has a pair to one peer. */
export async function issueBundle({ identity, store, env }: OwnPrekeyParts, { oneTime = true, validUntil = 0 }: BundleOptions = {}): Promise<Uint8Array> {
  await forgetOldPrekeys(store, env.now());
  const { signed, lastResort } = await currentPrekeys({ store, env, validUntil });
  const pair = oneTime ? generateOneTimePair(signed.notAfter, env) : undefined;
  // Kept first: a bundle whose secrets are lost is a peer whose first message nobody can open.
  if (pair !== undefined) await store.addPrekeys([encodePrekey(pair)]);
  const content = {
    did: identity.did,
    historySequence: identity.historySequence,
    agreementKey: identity.agreementKey.publicKey,
    agreementCertificate: identity.agreementCertificate,
    signedPrekey: { id: signed.id, key: signed.secretKey.publicKey, notAfter: signed.notAfter },
    lastResortPrekey: { id: lastResort.id, key: lastResort.secretKey.publicKey },
    oneTimePair: pair && { id: pair.id, x25519Key: pair.x25519Key.publicKey, kemKey: pair.kemKey.publicKey },
    issuedAt: env.now(),
    expiresAt: signed.notAfter,
  };
  return signPrekeyBundle(content, identity.signer);
}

/** The newest generation, or a new one when it could be offered for less than a day. */
async function currentPrekeys({ store, env, validUntil }: Pick<OwnPrekeyParts, 'store' | 'env'> & { readonly validUntil: number }): Promise<Reusable> {
  const [signed, lastResort] = [newest(await store.prekeys('signed')), newest(await store.prekeys('lastResort'))];
  const longest = env.now() + signedPrekeyLifeMs - signedPrekeyRestMs;
  const restEnds = Math.max(env.now() + signedPrekeyRestMs, Math.min(validUntil, longest));
  if (signed !== undefined && lastResort !== undefined && Math.min(signed.notAfter, lastResort.notAfter) > restEnds) {
    return { signed: decodePrekey(signed, 'signed'), lastResort: decodePrekey(lastResort, 'lastResort') };
  }
  const fresh = generateReusablePrekeys(env);
  await store.addPrekeys([encodePrekey(fresh.signed), encodePrekey(fresh.lastResort)]);
  return fresh;
}

/** The other half of forward secrecy: what was agreed with a prekey can be agreed again while its secret exists. */
async function forgetOldPrekeys(store: SessionStore, now: number): Promise<void> {
  for (const kind of ['signed', 'lastResort', 'oneTime'] as const) {
    const over = (await store.prekeys(kind)).filter((row) => isPrekeyOver(row, now));
    if (over.length > 0) await store.removePrekeys(over);
  }
}

function newest(rows: readonly StoredPrekey[]): StoredPrekey | undefined {
  return rows.toSorted((a, b) => b.notAfter - a.notAfter)[0];
}
