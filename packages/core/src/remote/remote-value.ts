/** What a tool gives, as the other end can read it (docs/spec/07 §8). @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import { isExactJson } from '../bytes/strict-json.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { copyPlain } from '../guard/plain-json.ts';

/** `bytes`: of the canonical form in UTF-8. */
export type RemoteValue = { readonly json: JsonValue; readonly bytes: number };

/** A copy. @throws TypeError, for the caller to read, on what is not plain JSON or holds a number that its strict reader refuses. */
export function copyRemoteValue(given: unknown, what: string): RemoteValue {
  const plain = copyPlain(given);
  if ('notPlain' in plain) throw new TypeError(`${what} is not plain JSON`);
  if (!isExactJson(plain.copy)) throw new TypeError(`${what} holds an integer beyond 2^53 - 1: give it as text`);
  return { json: plain.copy, bytes: byteLength(plain.copy) };
}

/** Of the canonical form in UTF-8: a bound in characters would let through three times as much as a message holds. */
export function byteLength(value: JsonValue): number {
  return encodeUtf8(canonicalJson(value)).length;
}
