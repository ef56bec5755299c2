/**
 * Prekey bundle: what a peer needs to open a session with an agent that is not there (docs/spec/04 §2).
 * One signature over all of it, so a relay can neither mix the parts of two bundles nor strip the one-time pair of one.
 * @module
 */
import { importKemPublicKey } from '#kem';
import { importX25519PublicKey, sha256, verifyEd25519 } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { equalBytes } from '../bytes/equal.ts';
import { encodeHex } from '../bytes/hex.ts';
import { ByteReader } from '../bytes/reader.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { IdentityError } from '../errors/identity-error.ts';
import type { Ed25519PublicKey, KemPublicKey, X25519PublicKey } from '../primitives/keys.ts';
import { parseAgentId, type AgentId } from './agent-id.ts';
import { verifyAgreementKey } from './agreement-certificate.ts';
import type { Signer } from './signer.ts';

/** Written before every key that is hashed or signed: an X25519 and a KEM encoding, or two roles, cannot be taken for each other. */
export const keyTags = /* @__PURE__ */ Object.freeze({
  agreement: 1,
  ephemeral: 2,
  signedPrekey: 3,
  oneTimeX25519: 4,
  lastResortKem: 5,
  oneTimeKem: 6,
});

export type BundleContent = {
  readonly did: AgentId;
  /** Sequence of the key-history event whose key signs. */
  readonly historySequence: number;
  readonly agreementKey: X25519PublicKey;
  /** 64 bytes, docs/spec/01 §3. */
  readonly agreementCertificate: Uint8Array;
  /** Milliseconds since 1970, as every time here. */
  readonly signedPrekey: { readonly id: number; readonly key: X25519PublicKey; readonly notAfter: number };
  readonly lastResortPrekey: { readonly id: number; readonly key: KemPublicKey };
  /** Given to one initiator only. Without it the first message can be replayed to a responder that keeps no memory of ephemeral keys. */
  readonly oneTimePair?: { readonly id: number; readonly x25519Key: X25519PublicKey; readonly kemKey: KemPublicKey } | undefined;
  readonly issuedAt: number;
  readonly expiresAt: number;
};

const verified: unique symbol = Symbol('talos.bundle.verified');

/** A bundle that `verifyPrekeyBundle` let through; nothing else makes one, and a handshake takes nothing else. */
export type VerifiedBundle = BundleContent & {
  /** SHA-256 of the bundle's bytes, signature included: what the handshake's transcript binds. */
  readonly hash: Uint8Array;
  readonly [verified]: true;
};

const version = 1;
const signatureLength = 64;
const signatureLabel = 'talos/1 prekey bundle';
/** The content has at most 2,730 bytes with a did:key; what is longer is not read. */
const maxBundleBytes = 4096;
const maxDidBytes = 128;
/** Two machines' clocks; a bundle from further ahead was made to outlive its keys. */
const clockSkewMs = 5 * 60_000;
/** A bundle that lives longer than its prekeys are kept leads to handshakes that nobody can answer. */
const maxLifetimeMs = 31 * 24 * 3_600_000;

/** The bundle's bytes: content ‖ signature. `signer` is the identity key of `content.historySequence`. */
export async function signPrekeyBundle(content: BundleContent, signer: Signer): Promise<Uint8Array> {
  const body = encodeContent(content);
  return concatBytes(body, await signer.sign(signedBytes(body)));
}

export type BundleCheck = {
  readonly expectedDid: AgentId;
  /** The key that speaks for `expectedDid` now: from its pinned history, or from the did:key where first contact is allowed. */
  readonly identityKey: Ed25519PublicKey;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/**
 * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_BUNDLE`: malformed, over-long or trailing data, of another agent, signature or
 * agreement certificate not by `identityKey`, expired or not yet valid, a key of small order or out of range, one key in two roles.
 */
export function verifyPrekeyBundle(bytes: Uint8Array, check: BundleCheck): VerifiedBundle {
  if (bytes.length > maxBundleBytes || bytes.length <= signatureLength) throw badBundle('its length is impossible');
  const copy = Uint8Array.from(bytes);
  const body = copy.subarray(0, -signatureLength);
  verifySignature(body, { signature: copy.subarray(-signatureLength), identityKey: check.identityKey });
  const content = decodeContent(body);
  if (content.did !== check.expectedDid) throw badBundle('it is of another agent');
  checkTimes(content, check.now);
  checkKeys(content);
  verifyAgreementKey(content, content.agreementCertificate, check.identityKey);
  return { ...content, hash: sha256(copy), [verified]: true };
}

/**
 * Which key a bundle says it is signed with, before anything is verified: to look up the key that `verifyPrekeyBundle` needs.
 * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_BUNDLE`.
 */
export function readBundleSigner(bytes: Uint8Array): { readonly did: AgentId; readonly historySequence: number } {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== version) throw badBundle('its version is unknown');
    return { did: decodeDid(reader), historySequence: reader.u32() };
  } catch {
    throw badBundle('it is malformed');
  }
}

function verifySignature(body: Uint8Array, input: { readonly signature: Uint8Array; readonly identityKey: Ed25519PublicKey }): void {
  try {
    verifyEd25519(input.identityKey, signedBytes(body), input.signature);
  } catch {
    throw badBundle('it is not signed by the agent');
  }
}

function signedBytes(body: Uint8Array): Uint8Array {
  return new ByteWriter().short(encodeUtf8(signatureLabel)).long(body).finish();
}

function encodeContent(content: BundleContent): Uint8Array {
  const { signedPrekey, lastResortPrekey, oneTimePair } = content;
  const writer = new ByteWriter().u8(version).short(encodeUtf8(content.did)).u32(content.historySequence);
  writer.u8(keyTags.agreement).raw(content.agreementKey.bytes).raw(content.agreementCertificate);
  writer.u8(keyTags.signedPrekey).u32(signedPrekey.id).raw(signedPrekey.key.bytes).u64(signedPrekey.notAfter);
  writer.u8(keyTags.lastResortKem).u32(lastResortPrekey.id).raw(lastResortPrekey.key.bytes);
  writer.u8(oneTimePair === undefined ? 0 : 1);
  if (oneTimePair !== undefined) {
    writer.u32(oneTimePair.id).u8(keyTags.oneTimeX25519).raw(oneTimePair.x25519Key.bytes).u8(keyTags.oneTimeKem).raw(oneTimePair.kemKey.bytes);
  }
  return writer.u64(content.issuedAt).u64(content.expiresAt).finish();
}

/** Only after the signature: every error here is the signer's own fault, so one message serves them all. */
function decodeContent(body: Uint8Array): BundleContent {
  try {
    const reader = new ByteReader(body);
    if (reader.u8() !== version) throw badBundle('its version is unknown');
    const content = readContent(reader);
    reader.end();
    return content;
  } catch {
    throw badBundle('it is malformed, or has a key of the wrong form');
  }
}

function readContent(reader: ByteReader): BundleContent {
  const did = decodeDid(reader);
  const historySequence = reader.u32();
  const agreementKey = readX25519(reader, keyTags.agreement);
  const agreementCertificate = reader.take(signatureLength);
  const signedPrekey = { ...readSignedPrekey(reader), notAfter: reader.u64() };
  expectTag(reader, keyTags.lastResortKem);
  const lastResortPrekey = { id: reader.u32(), key: importKemPublicKey(reader.take(kemKeyLength)) };
  const oneTimePair = readOneTimePair(reader);
  const [issuedAt, expiresAt] = [reader.u64(), reader.u64()];
  return { did, historySequence, agreementKey, agreementCertificate, signedPrekey, lastResortPrekey, oneTimePair, issuedAt, expiresAt };
}

/** FIPS 203 §8, ML-KEM-768. */
const kemKeyLength = 1184;

function decodeDid(reader: ByteReader): AgentId {
  const did = decodeUtf8(reader.short(maxDidBytes));
  parseAgentId(did);
  return did as AgentId;
}

function expectTag(reader: ByteReader, tag: number): void {
  if (reader.u8() !== tag) throw reader.refuse('a key has another role than its place');
}

function readX25519(reader: ByteReader, tag: number): X25519PublicKey {
  expectTag(reader, tag);
  return importX25519PublicKey(reader.take(32));
}

function readSignedPrekey(reader: ByteReader): { readonly id: number; readonly key: X25519PublicKey } {
  expectTag(reader, keyTags.signedPrekey);
  return { id: reader.u32(), key: importX25519PublicKey(reader.take(32)) };
}

function readOneTimePair(reader: ByteReader): BundleContent['oneTimePair'] {
  const count = reader.u8();
  if (count === 0) return undefined;
  if (count !== 1) throw reader.refuse('a bundle has at most one one-time pair');
  const id = reader.u32();
  const x25519Key = readX25519(reader, keyTags.oneTimeX25519);
  expectTag(reader, keyTags.oneTimeKem);
  return { id, x25519Key, kemKey: importKemPublicKey(reader.take(kemKeyLength)) };
}

function checkTimes({ issuedAt, expiresAt, signedPrekey }: BundleContent, now: number): void {
  if (now >= expiresAt || now >= signedPrekey.notAfter) throw badBundle('it has expired: ask the peer for a new one');
  if (issuedAt > now + clockSkewMs || issuedAt >= expiresAt || expiresAt - issuedAt > maxLifetimeMs) throw badBundle('its times are impossible');
}

function checkKeys({ agreementKey, signedPrekey, lastResortPrekey, oneTimePair }: BundleContent): void {
  const curveKeys = [agreementKey, signedPrekey.key, ...(oneTimePair === undefined ? [] : [oneTimePair.x25519Key])];
  if (curveKeys.some((key) => isSmallOrder(key))) throw badBundle('a key has small order');
  // One secret in two roles would let an answer of one role be used in the other.
  if (new Set(curveKeys.map((key) => encodeHex(key.bytes))).size !== curveKeys.length) throw badBundle('one key has two roles');
  if (oneTimePair !== undefined && equalBytes(oneTimePair.kemKey.bytes, lastResortPrekey.key.bytes)) throw badBundle('one key has two roles');
}

/**
 * u coordinates of the points of order 1, 2, 4 and 8 on the curve and its twist, with the two encodings at and above p that
 * RFC 7748 §5 reduces to 0 and 1. An agreement with them is all zero whatever the other secret is.
 */
const smallOrderU: ReadonlySet<string> = /* @__PURE__ */ new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

function isSmallOrder(key: X25519PublicKey): boolean {
  const u = Uint8Array.from(key.bytes);
  // RFC 7748 §5: "implementations of X25519 … MUST mask the most significant bit in the final byte".
  u[31] = (u[31] as number) & 0x7f;
  return smallOrderU.has(encodeHex(u));
}

function badBundle(reason: string): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_BAD_BUNDLE', message: `prekey bundle refused: ${reason}` });
}
