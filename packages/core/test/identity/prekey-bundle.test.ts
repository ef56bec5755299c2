import { describe, expect, it } from 'vitest';
import { agreeX25519, importX25519PublicKey, importX25519SecretKey } from '#suite';
import { decodeHex } from '../../src/bytes/hex.ts';
import { signAgreementKey } from '../../src/identity/agreement-certificate.ts';
import { readBundleSigner, signPrekeyBundle, verifyPrekeyBundle, type BundleContent } from '../../src/identity/prekey-bundle.ts';
import { bundleContent, codeOf, flip, makeIdentity, makePrekeys, seededEnv, verify } from '../session/support.ts';

const bad = 'TALOS_IDENTITY_BAD_BUNDLE';
const env = seededEnv('bundle');
const owner = await makeIdentity(env);
const prekeys = makePrekeys(env);
const content = bundleContent(owner, prekeys, env);
const bytes = await signPrekeyBundle(content, owner.signer);
/** Signed by the owner itself: what is refused here is refused although the signature is good. */
const codeOfSigned = async (change: Partial<BundleContent>) => {
  const signed = await signPrekeyBundle({ ...content, ...change }, owner.signer);
  return codeOf(() => verify(signed, owner, env));
};

/** RFC 7748 §6.1 and the points of small order on the curve and its twist. */
const smallOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  // The same with the bit that RFC 7748 §5 masks.
  '0000000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
];

describe('prekey bundle', () => {
  it('[BND-ONE-SIGNATURE] opens to what was signed', () => {
    const verified = verify(bytes, owner, env);
    expect(verified.did).toBe(owner.did);
    expect(verified.oneTimePair?.id).toBe(prekeys.oneTime?.id);
    expect(verified.signedPrekey.key.bytes).toEqual(prekeys.signed.secretKey.publicKey.bytes);
    expect(readBundleSigner(bytes)).toEqual({ did: owner.did, historySequence: 0 });
  });

  it('[BND-ONE-SIGNATURE] is refused whichever byte is changed', () => {
    for (let i = 0; i < bytes.length; i++) expect(codeOf(() => verify(flip(bytes, i), owner, env))).toBe(bad);
  });

  it('[BND-ONE-SIGNATURE] of another agent is refused', async () => {
    const other = await makeIdentity(env);
    expect(codeOf(() => verify(bytes, other, env))).toBe(bad);
    const check = { expectedDid: other.did, identityKey: owner.signer.publicKey, now: env.now() };
    expect(codeOf(() => verifyPrekeyBundle(bytes, check))).toBe(bad);
  });

  it('[BND-REFUSE-EXPIRED] is refused from its expiry on, and before it was issued', async () => {
    const check = { expectedDid: owner.did, identityKey: owner.signer.publicKey };
    expect(codeOf(() => verifyPrekeyBundle(bytes, { ...check, now: content.expiresAt - 1 }))).toBe('no error');
    expect(codeOf(() => verifyPrekeyBundle(bytes, { ...check, now: content.expiresAt }))).toBe(bad);
    expect(await codeOfSigned({ issuedAt: env.now() + 6 * 60_000 })).toBe(bad);
    expect(await codeOfSigned({ signedPrekey: { ...content.signedPrekey, notAfter: env.now() } })).toBe(bad);
    expect(await codeOfSigned({ expiresAt: env.now() + 32 * 24 * 3_600_000 })).toBe(bad);
  });

  it.each(smallOrder)('[BND-REFUSE-LOW-ORDER] %s is refused in every place', async (hex) => {
    const key = importX25519PublicKey(decodeHex(hex));
    // The fact behind the table, by both suites' own agreement.
    expect(codeOf(() => agreeX25519(importX25519SecretKey(env.randomBytes(32)), key))).toBe('TALOS_CRYPTO_WEAK_SHARED_SECRET');
    expect(await codeOfSigned({ signedPrekey: { ...content.signedPrekey, key } })).toBe(bad);
    expect(await codeOfSigned({ oneTimePair: { ...content.oneTimePair!, x25519Key: key } })).toBe(bad);
    const claim = { did: owner.did, agreementKey: key, historySequence: 0 };
    expect(await codeOfSigned({ agreementKey: key, agreementCertificate: await signAgreementKey(claim, owner.signer) })).toBe(bad);
  });

  it('[BND-REFUSE-UNCERTIFIED] an agreement key of another is refused', async () => {
    const other = await makeIdentity(env);
    expect(await codeOfSigned({ agreementKey: other.agreementKey.publicKey })).toBe(bad);
    expect(await codeOfSigned({ agreementKey: other.agreementKey.publicKey, agreementCertificate: other.agreementCertificate })).toBe(bad);
  });

  it('[BND-REFUSE-ROLES] one key in two roles is refused', async () => {
    const { oneTimePair, lastResortPrekey } = content;
    expect(await codeOfSigned({ signedPrekey: { ...content.signedPrekey, key: owner.agreementKey.publicKey } })).toBe(bad);
    expect(await codeOfSigned({ oneTimePair: { ...oneTimePair!, x25519Key: content.signedPrekey.key } })).toBe(bad);
    expect(await codeOfSigned({ oneTimePair: { ...oneTimePair!, kemKey: lastResortPrekey.key } })).toBe(bad);
  });

  it('[BND-STRICT] truncated, over-long and trailing data are refused', async () => {
    for (let length = 0; length < bytes.length; length += 7) expect(codeOf(() => verify(bytes.subarray(0, length), owner, env))).toBe(bad);
    expect(codeOf(() => verify(new Uint8Array(5000), owner, env))).toBe(bad);
    const trailing = Uint8Array.from([...bytes.subarray(0, -64), 0]);
    const label = new TextEncoder().encode('talos/1 prekey bundle');
    const length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, trailing.length);
    const signature = await owner.signer.sign(Uint8Array.from([0, label.length, ...label, ...new Uint8Array(length.buffer), ...trailing]));
    expect(codeOf(() => verify(Uint8Array.from([...trailing, ...signature]), owner, env))).toBe(bad);
  });

  it('[BND-STRICT] a KEM key with a coefficient out of range is refused', async () => {
    const key = { ...content.lastResortPrekey.key, bytes: new Uint8Array(1184).fill(255) };
    expect(await codeOfSigned({ lastResortPrekey: { id: 1, key } })).toBe(bad);
  });
});
