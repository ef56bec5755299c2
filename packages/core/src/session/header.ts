/**
 * The header of a message, always encrypted (Double Ratchet §4): who watches the wire sees neither counters nor ratchet keys.
 *
 *     parts 1 ‖ ratchet key 32 ‖ previous count 4 ‖ number 4 ‖ [KEM public key 1,184] ‖ [KEM ciphertext 1,088]
 * @module
 */
import { decryptAead, encryptAead } from '#suite';
import { ByteReader } from '../bytes/reader.ts';
import { concatBytes } from '../bytes/concat.ts';
import type { AeadInput } from '../primitives/contract.ts';
import type { Secret } from '../primitives/secret.ts';

export type MessageHeader = {
  /** The sender's ratchet public key, 32 bytes. */
  readonly ratchetKey: Uint8Array;
  /** PN: messages in the sender's chain before this one. */
  readonly previousCount: number;
  /** N: the message's number in its chain, from 0. */
  readonly number: number;
  /** Place of the post-quantum step (docs/spec/04 §4.6): the key it offers, 1,184 bytes. */
  readonly kemPublicKey?: Uint8Array | undefined;
  /** … and the answer to one, 1,088 bytes. */
  readonly kemCiphertext?: Uint8Array | undefined;
};

const tagLength = 16;
const fixedLength = 41;
const kemPublicKeyLength = 1184;
const kemCiphertextLength = 1088;
const hasKemPublicKey = 1;
const hasKemCiphertext = 2;

export const minEncryptedHeaderBytes = fixedLength + tagLength;
export const maxEncryptedHeaderBytes = fixedLength + kemPublicKeyLength + kemCiphertextLength + tagLength;

/** What a header is encrypted under. `headerKey` and the body's key differ, so they may share the nonce. */
export type HeaderSeal = {
  readonly headerKey: Secret;
  /** Whether it is the chain's first header, as far as the caller knows: its key may never serve another, and is not kept imported. */
  readonly isFirst: boolean;
  readonly nonce: Uint8Array;
  readonly associatedData: Uint8Array;
};

/** 57 bytes for an ordinary header: 41 and the tag. */
export function encryptHeader(header: MessageHeader, seal: HeaderSeal): Uint8Array {
  return encryptAead({ ...aeadInput(seal), plaintext: encodeHeader(header) });
}

/** `undefined` if the header is not under this key: a trial, of which a frame gets at most seven. */
export function openHeader(encryptedHeader: Uint8Array, seal: HeaderSeal): MessageHeader | undefined {
  try {
    const plaintext = decryptAead({ ...aeadInput(seal), ciphertext: encryptedHeader });
    return decodeHeader(plaintext);
  } catch {
    return undefined;
  }
}

function aeadInput({ headerKey, isFirst, nonce, associatedData }: HeaderSeal): AeadInput {
  return { key: isFirst ? headerKey.expose() : headerKey, nonce, associatedData };
}

/** By hand, not by the writer: this runs for each message, and forty-one bytes need one array. */
function encodeHeader({ ratchetKey, previousCount, number, kemPublicKey, kemCiphertext }: MessageHeader): Uint8Array {
  const fixed = new Uint8Array(fixedLength);
  fixed[0] = (kemPublicKey === undefined ? 0 : hasKemPublicKey) | (kemCiphertext === undefined ? 0 : hasKemCiphertext);
  fixed.set(ratchetKey, 1);
  writeU32(fixed, 33, previousCount);
  writeU32(fixed, 37, number);
  if (fixed[0] === 0) return fixed;
  return concatBytes(fixed, kemPublicKey ?? fixed.subarray(0, 0), kemCiphertext ?? fixed.subarray(0, 0));
}

function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[offset + i] = value >>> (24 - 8 * i);
}

/** After the tag: what is wrong here, the peer itself wrote. */
function decodeHeader(bytes: Uint8Array): MessageHeader {
  const reader = new ByteReader(bytes);
  const parts = reader.u8();
  if (parts > (hasKemPublicKey | hasKemCiphertext)) throw reader.refuse('unknown header parts');
  const header = { ratchetKey: reader.take(32), previousCount: reader.u32(), number: reader.u32() };
  const kemPublicKey = (parts & hasKemPublicKey) === 0 ? undefined : reader.take(kemPublicKeyLength);
  const kemCiphertext = (parts & hasKemCiphertext) === 0 ? undefined : reader.take(kemCiphertextLength);
  reader.end();
  return { ...header, kemPublicKey, kemCiphertext };
}
