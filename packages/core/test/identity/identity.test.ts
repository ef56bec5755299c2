import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/bytes/concat.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { verifyAgreementKey } from '../../src/identity/agreement-certificate.ts';
import { decodeIdentitySecrets, encodeIdentitySecrets, type IdentitySecrets } from '../../src/identity/identity-secrets.ts';
import { generateIdentitySecrets, restoreIdentity, rotateIdentitySecrets } from '../../src/identity/identity.ts';
import { revokeKeyHistory, verifyKeyHistory } from '../../src/identity/key-history.ts';
import { verifyEd25519 } from '../../src/primitives/node.ts';
import { Secret } from '../../src/primitives/secret.ts';
import { codeOf, codeOfAsync } from '../errors/code-of.ts';
import { countingEnv, historyOf, keyOf, now } from './agents.ts';

const env = countingEnv();
const secrets = await generateIdentitySecrets(env);
const exposed = (of: IdentitySecrets): unknown => ({
  seeds: [of.signingSeed, of.nextSeed, of.agreementScalar].map((secret) => [...secret.expose()]),
  history: of.history,
});

describe('identity', () => {
  it('[IDENTITY-RESTORE] is the same agent after a restart', async () => {
    const identity = await restoreIdentity(secrets);
    const again = await restoreIdentity(decodeIdentitySecrets(encodeIdentitySecrets(secrets)));
    expect(again.did).toBe(identity.did);
    expect(again.agreementCertificate).toEqual(identity.agreementCertificate);
    expect(identity.historySequence).toBe(0);
    const claim = { did: identity.did, agreementKey: identity.agreementKey.publicKey, historySequence: 0 };
    verifyAgreementKey(claim, identity.agreementCertificate, identity.signer.publicKey);
    verifyEd25519(again.signer.publicKey, encodeUtf8('hello'), await identity.signer.sign(encodeUtf8('hello')));
  });

  it('[IDENTITY-RESTORE] keeps its name and gets a new key by a rotation, which certifies the agreement key anew', async () => {
    const before = await restoreIdentity(secrets);
    const after = await restoreIdentity(await rotateIdentitySecrets(secrets, env, 'weekly'));
    expect(after.did).toBe(before.did);
    expect(after.historySequence).toBe(1);
    expect(after.signer.publicKey.bytes).not.toEqual(before.signer.publicKey.bytes);
    const claim = { did: after.did, agreementKey: after.agreementKey.publicKey, historySequence: 1 };
    expect(() => verifyAgreementKey(claim, after.agreementCertificate, after.signer.publicKey)).not.toThrow();
    expect(verifyKeyHistory(after.history).currentKey.bytes).toEqual(after.signer.publicKey.bytes);
  });

  it('[IDENTITY-RESTORE] is not restored from parts that do not belong together', async () => {
    const rotated = await rotateIdentitySecrets(secrets, env);
    expect(await codeOfAsync(() => restoreIdentity({ ...secrets, signingSeed: new Secret(new Uint8Array(32).fill(77)) }))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    expect(await codeOfAsync(() => restoreIdentity({ ...secrets, history: rotated.history }))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    expect(await codeOfAsync(() => restoreIdentity({ ...rotated, history: secrets.history }))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    expect(await codeOfAsync(() => restoreIdentity({ ...secrets, history: [] }))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    expect(await codeOfAsync(() => rotateIdentitySecrets({ ...secrets, nextSeed: new Secret(new Uint8Array(32).fill(78)) }, env))).toBe(
      'TALOS_IDENTITY_BAD_HISTORY',
    );
  });

  it('[IDENTITY-RESTORE] is not restored after it was revoked', async () => {
    const history = await revokeKeyHistory(await historyOf(1), { signer: keyOf(1), now });
    const revoked = { ...secrets, signingSeed: new Secret(new Uint8Array(32).fill(1)), history };
    expect(await codeOfAsync(() => restoreIdentity(revoked))).toBe('TALOS_IDENTITY_REVOKED');
  });
});

describe('identity secrets', () => {
  const encoded = encodeIdentitySecrets(secrets);
  /** The same secrets with another history text behind them. */
  const withHistory = (text: Uint8Array, length = text.length): Uint8Array =>
    concatBytes(encoded.subarray(0, 97), Uint8Array.of(length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255), text);

  it('[IDENTITY-CODEC] come back', () => {
    expect(exposed(decodeIdentitySecrets(encoded))).toEqual(exposed(secrets));
  });

  it('[IDENTITY-CODEC] are copies: wiping one leaves the file content alone', () => {
    const kept = Uint8Array.from(encoded);
    const decoded = decodeIdentitySecrets(encoded);
    decoded.signingSeed.wipe();
    expect(encoded).toEqual(kept);
  });

  it('[IDENTITY-CODEC] are refused when cut at any byte, and with a byte behind them', () => {
    for (let length = 0; length < encoded.length; length++)
      expect(
        codeOf(() => decodeIdentitySecrets(encoded.subarray(0, length))),
        `${length}`,
      ).toBe('TALOS_ENCODING_BYTES');
    expect(codeOf(() => decodeIdentitySecrets(concatBytes(encoded, Uint8Array.of(0))))).toBe('TALOS_ENCODING_BYTES');
  });

  it.each<[string, Uint8Array, string]>([
    ['an unknown version', encoded.with(0, 2), 'TALOS_ENCODING_BYTES'],
    ['a history that is not JSON', withHistory(encodeUtf8('[')), 'TALOS_ENCODING_JSON'],
    ['a history with a member twice', withHistory(encodeUtf8('[{"event":"","event":""}]')), 'TALOS_ENCODING_JSON'],
    ['a history that is not UTF-8', withHistory(Uint8Array.of(0x22, 0xff, 0x22)), 'TALOS_ENCODING_TEXT'],
    ['a history of 4 GiB', withHistory(encodeUtf8('[]'), 0xffffffff), 'TALOS_ENCODING_BYTES'],
    ['a history of 2 MiB and a byte', withHistory(new Uint8Array(2 * 1024 * 1024 + 1).fill(0x20)), 'TALOS_ENCODING_BYTES'],
  ])('[IDENTITY-CODEC] are refused with %s', (_why, bytes, code) => {
    expect(codeOf(() => decodeIdentitySecrets(bytes))).toBe(code);
  });

  it.each(['null', '{}', '[]', '[null]', '[{}]', '[{"event":1,"signatures":{}}]', '7'])(
    '[IDENTITY-CODEC] a stored history of %s restores nobody',
    async (text) => {
      expect(await codeOfAsync(() => restoreIdentity(decodeIdentitySecrets(withHistory(encodeUtf8(text)))))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    },
  );
});
