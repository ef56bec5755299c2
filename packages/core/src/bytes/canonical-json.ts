/** The JSON Canonicalization Scheme (RFC 8785). Only inside commitments and entries: signed bytes are never re-canonicalised. @module */
import { EncodingError } from '../errors/encoding-error.ts';
import type { JsonValue } from './json-value.ts';
import { hasLoneSurrogate } from './utf8.ts';

/** Deeper than any entry or argument of ours, shallow enough for every engine's stack. */
const maxDepth = 64;

/** No accessor named `__proto__` above the copies: to them it is a name like any other. */
const bare: object = /* @__PURE__ */ Object.freeze(Object.create(null));

/** U+003A, after the digits. */
const afterDigits = 0x3a;

/**
 * The canonical text of a JSON value: members sorted by UTF-16 units (RFC 8785 §3.2.3), ECMAScript number and string forms.
 * @throws {@link EncodingError} `TALOS_ENCODING_JSON` on NaN, Infinity, lone surrogates, `undefined`, non-plain values or depth above 64.
 */
export function canonicalJson(value: JsonValue): string {
  // The engine's own writer has the forms that RFC 8785 names, and is three times as fast as one of ours.
  return JSON.stringify(inOrder(value, 0));
}

/** A copy whose members stand in canonical order. Each value is read once, and only plain data is taken. */
function inOrder(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refuse('a number is not finite');
    return value;
  }
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') throw refuse(`a ${typeof value} is not JSON`);
  if (depth >= maxDepth) throw refuse(`nested deeper than ${maxDepth}`);
  return Array.isArray(value) ? arrayInOrder(value, depth) : objectInOrder(value, depth);
}

function arrayInOrder(items: readonly unknown[], depth: number): unknown[] {
  const copy: unknown[] = [];
  // A counted loop reads holes as undefined, which is refused; map would skip them.
  for (let i = 0; i < items.length; i++) copy.push(inOrder(items[i], depth + 1));
  return copy;
}

function objectInOrder(value: object, depth: number): object {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refuse('an object with a prototype of its own is not plain JSON');
  const copy = Object.create(bare) as Record<string, unknown>;
  // Sorted without a comparator, which means by UTF-16 units: twice as fast as with one.
  const names = Object.keys(value).toSorted();
  let isOrdered = true;
  for (const name of names) {
    // Names that look like indices come first in an object, whatever the order they were set in.
    if (name.charCodeAt(0) < afterDigits) isOrdered = false;
    copy[wellFormed(name)] = inOrder((value as Record<string, unknown>)[name], depth + 1);
  }
  return isOrdered ? copy : new Proxy(copy, { ownKeys: () => names });
}

function wellFormed(text: string): string {
  if (hasLoneSurrogate(text)) throw refuse('a string has a lone surrogate');
  return text;
}

function refuse(reason: string): EncodingError {
  return new EncodingError({ code: 'TALOS_ENCODING_JSON', message: `cannot write canonical JSON: ${reason}` });
}
