import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { ByteWriter } from '../../src/bytes/writer.ts';
import { formatAgentId } from '../../src/identity/agent-id.ts';
import { signAgreementKey, verifyAgreementKey, type AgreementClaim } from '../../src/identity/agreement-certificate.ts';
import { importX25519SecretKey } from '../../src/primitives/node.ts';
import { codeOf } from '../errors/code-of.ts';
import { keyOf } from './agents.ts';

const alice = keyOf(1);
const mallory = keyOf(9);
const agreementKey = importX25519SecretKey(new Uint8Array(32).fill(3)).publicKey;
const otherAgreementKey = importX25519SecretKey(new Uint8Array(32).fill(4)).publicKey;
const claim: AgreementClaim = { did: formatAgentId(alice.publicKey), agreementKey, historySequence: 2 };
const certificate = await signAgreementKey(claim, alice);

describe('agreement certificate', () => {
  it('[AGREEMENT-CERTIFIED] is the signature of docs/spec/01 §3', async () => {
    expect(certificate).toHaveLength(64);
    expect(() => verifyAgreementKey(claim, certificate, alice.publicKey)).not.toThrow();
    const label = encodeUtf8('talos/1 agreement key');
    const written = new ByteWriter().u16(label.length).raw(label).u16(56).raw(encodeUtf8(claim.did)).u32(2).raw(agreementKey.bytes).finish();
    expect(await alice.sign(written)).toEqual(certificate);
  });

  it.each<[string, AgreementClaim]>([
    ['the key of another agent', { ...claim, agreementKey: otherAgreementKey }],
    ['the name of another agent', { ...claim, did: formatAgentId(mallory.publicKey) }],
    ['a later event', { ...claim, historySequence: 3 }],
    ['an earlier event', { ...claim, historySequence: 0 }],
    ['an impossible event', { ...claim, historySequence: -1 }],
    ['the bytes of the signature key', { ...claim, agreementKey: { ...agreementKey, bytes: alice.publicKey.bytes } }],
  ])('[AGREEMENT-CERTIFIED] cannot be moved to %s', (_why, moved) => {
    expect(codeOf(() => verifyAgreementKey(moved, certificate, alice.publicKey))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
  });

  it('[AGREEMENT-CERTIFIED] is refused under another key, damaged or cut', async () => {
    const bad = (bytes: Uint8Array, key = alice.publicKey): string => codeOf(() => verifyAgreementKey(claim, bytes, key));
    expect(bad(certificate, mallory.publicKey)).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    expect(bad(await signAgreementKey(claim, mallory))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    for (const index of [0, 31, 32, 63]) expect(bad(certificate.with(index, (certificate[index] as number) ^ 1))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    for (const length of [0, 32, 63]) expect(bad(certificate.subarray(0, length))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    expect(bad(Uint8Array.from([...certificate, 0]))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
  });

  it('[AGREEMENT-CERTIFIED] a signature over the bare key certifies nothing', async () => {
    expect(codeOf(() => verifyAgreementKey(claim, certificate.with(0, 0), alice.publicKey))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    const bare = await alice.sign(agreementKey.bytes);
    expect(codeOf(() => verifyAgreementKey(claim, bare, alice.publicKey))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
  });
});
