/** The JSON Canonicalization Scheme (RFC 8785). Only inside commitments and entries: signed bytes are never re-canonicalised. @module */
import { EncodingError } from '../errors/encoding-error.ts';
import type { JsonValue } from './json-value.ts';
import { hasLoneSurrogate } from './utf8.ts';

/** Deeper than any entry or argument of ours, shallow enough for every engine's stack. */
const maxDepth = 64;

/**
 * The canonical text of a JSON value: members sorted by UTF-16 units (RFC 8785 §3.2.3), ECMAScript number and string forms.
 * @throws {@link EncodingError} `TALOS_ENCODING_JSON` on NaN, Infinity, lone surrogates, `undefined`, non-plain values or depth above 64.
 */
export function canonicalJson(value: JsonValue): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value === null) return 'null';
  if (typeof value !== 'object') throw refuse(`a ${typeof value} is not JSON`);
  if (depth >= maxDepth) throw refuse(`nested deeper than ${maxDepth}`);
  return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = '[';
  // A counted loop reads holes as undefined, which is refused; map would skip them.
  for (let i = 0; i < items.length; i++) text += (i === 0 ? '' : ',') + write(items[i], depth + 1);
  return text + ']';
}

function writeObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refuse('an object with a prototype of its own is not plain JSON');
  let text = '{';
  // Sorted without a comparator, which means by UTF-16 units: twice as fast as with one.
  for (const name of Object.keys(value).toSorted()) {
    text += (text === '{' ? '' : ',') + writeString(name) + ':' + write((value as Record<string, unknown>)[name], depth + 1);
  }
  return text + '}';
}

/** Anything but printable ASCII without quote and backslash: the strings of most entries need no escape and no check. */
const needsCare = /[^ !#-[\]-~]/;

function writeString(text: string): string {
  if (!needsCare.test(text)) return `"${text}"`;
  if (hasLoneSurrogate(text)) throw refuse('a string has a lone surrogate');
  return JSON.stringify(text);
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw refuse('a number is not finite');
  return Object.is(value, -0) ? '0' : String(value);
}

function refuse(reason: string): EncodingError {
  return new EncodingError({ code: 'TALOS_ENCODING_JSON', message: `cannot write canonical JSON: ${reason}` });
}
