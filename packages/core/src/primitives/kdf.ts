/** HKDF-SHA-256 (RFC 5869) over either suite, and every label that Talos derives under. @module */
import { hmacSha256 } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { UsageError } from '../errors/usage-error.ts';

/** One label for one purpose: two derivations never share a key by accident. */
export const labels = /* @__PURE__ */ Object.freeze({
  handshake: 'talos/1 pqxdh',
  rootStep: 'talos/1 root',
  fingerprint: 'talos/1 fingerprint',
  subjectPayload: 'talos/1 subject',
});

/** RFC 5869 §2.3 allows 255 blocks. */
const maxLength = 255 * 32;

/** @returns `length` bytes. `salt` empty means 32 zero bytes (RFC 5869 §2.2). */
export function hkdfSha256(input: { readonly ikm: Uint8Array; readonly salt: Uint8Array; readonly info: Uint8Array; readonly length: number }): Uint8Array {
  if (input.length > maxLength) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `HKDF gives at most ${maxLength} bytes` });
  const salt = input.salt.length === 0 ? new Uint8Array(32) : input.salt;
  const pseudorandomKey = hmacSha256(salt, input.ikm);
  const output = new Uint8Array(Math.ceil(input.length / 32) * 32);
  let block: Uint8Array = new Uint8Array(0);
  for (let i = 0; i * 32 < input.length; i++) {
    block = hmacSha256(pseudorandomKey, concatBytes(block, input.info, Uint8Array.of(i + 1)));
    output.set(block, i * 32);
  }
  pseudorandomKey.fill(0);
  return output.subarray(0, input.length);
}

/** The label as `info`, with what else has to be bound. */
export function labelled(label: string, ...context: readonly Uint8Array[]): Uint8Array {
  return concatBytes(encodeUtf8(label), ...context);
}
