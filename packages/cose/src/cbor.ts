/** CBOR as it is written and read here: deterministic (RFC 8949 §4.2.1), and nothing else is accepted. @module */
import { decode, encode, type TagDecodeControl } from 'cborg';
import { EncodingError } from '@talosprotocol/core/errors';

/** A COSE_Sign1 that came under its tag. */
export class TaggedSign1 {
  readonly members: unknown;

  constructor(members: unknown) {
    this.members = members;
  }
}

/** RFC 9052 §2. */
const sign1Tag = 18;

/** A path of 64 hashes takes 2.2 KiB. */
const maxReceiptBytes = 8 * 1024;

export function encodeCbor(value: unknown): Uint8Array {
  return encode(value);
}

/** Behind tag 18, which is one byte: 0xc0 | 18 (RFC 8949 §3.4). */
export function encodeSign1(members: readonly unknown[]): Uint8Array {
  return Uint8Array.of(0xc0 | sign1Tag, ...encode(members));
}

/**
 * One value and no more: no duplicate or unsorted key, no indefinite length, no longer form of a number than it needs.
 * @throws {@link EncodingError} `TALOS_ENCODING_BYTES`.
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  if (!(bytes instanceof Uint8Array) || bytes.length > maxReceiptBytes) throw malformed(`it is not bytes, or more than ${maxReceiptBytes}`);
  try {
    return decode(bytes, {
      allowIndefinite: false,
      allowUndefined: false,
      allowNaN: false,
      allowInfinity: false,
      rejectDuplicateMapKeys: true,
      strict: true,
      useMaps: true,
      tags: { [sign1Tag]: (control: TagDecodeControl) => new TaggedSign1(control()) },
    });
  } catch (cause) {
    throw malformed('it is not deterministic CBOR', cause);
  }
}

export function malformed(reason: string, cause?: unknown): EncodingError {
  return new EncodingError({ code: 'TALOS_ENCODING_BYTES', message: `not a COSE receipt: ${reason}`, ...(cause === undefined ? {} : { cause }) });
}
