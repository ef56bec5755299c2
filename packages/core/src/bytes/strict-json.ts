/**
 * JSON from strangers. `JSON.parse` keeps the last of two equal names and rounds large integers: two readers of one
 * signed text could see two contents. What is ambiguous is refused here.
 * @module
 */
import { EncodingError } from '../errors/encoding-error.ts';
import { requireText } from '../errors/require.ts';
import type { JsonValue } from './json-value.ts';
import { hasLoneSurrogate } from './utf8.ts';

export type StrictJsonLimits = {
  /** Nesting of arrays and objects. Default 16. */
  readonly maxDepth?: number;
};

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * Parses I-JSON (RFC 7493).
 * @throws {@link EncodingError} `TALOS_ENCODING_JSON` on malformed text, duplicate names, lone surrogates, integers beyond ±(2^53 − 1),
 * numbers that are not finite, or nesting above the limit.
 */
export function parseStrictJson(text: string, limits: StrictJsonLimits = {}): JsonValue {
  requireText('JSON', text);
  const written = scan(text, limits.maxDepth ?? 16);
  const value = parse(text);
  // The text names each member once before a colon; JSON.parse folds equal names: fewer members than colons means duplicates.
  if (countMembers(value) !== written) throw refuse('an object has two members of one name');
  checkStrings(text, value);
  return value;
}

/** Only an escape can smuggle half a surrogate pair into a string of well-formed text: without one there is nothing to look for. */
function checkStrings(text: string, value: JsonValue): void {
  if (hasLoneSurrogate(text) || (text.includes('\\') && holdsLoneSurrogate(value))) throw refuse('a string has a lone surrogate');
}

function holdsLoneSurrogate(value: JsonValue): boolean {
  if (typeof value === 'string') return hasLoneSurrogate(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, member]) => hasLoneSurrogate(name) || holdsLoneSurrogate(member as JsonValue));
}

/** Counts the colons outside strings and bounds the nesting before anything recursive runs. */
function scan(text: string, maxDepth: number): number {
  let colons = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === quote) i = endOfString(text, i);
    else if (unit === colon) colons++;
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > maxDepth) throw refuse(`nested deeper than ${maxDepth}`, i);
    } else if (unit === 0x7d || unit === 0x5d) depth--;
  }
  return colons;
}

/** Index of the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; ;) {
    const end = text.indexOf('"', i);
    if (end === -1) throw refuse('a string does not end', start);
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
    i = end + 1;
  }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // No cause: V8's message quotes the text.
    throw refuse('not JSON');
  }
}

function countMembers(value: JsonValue): number {
  if (typeof value === 'number') checkNumber(value);
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) members += countMembers(item);
    return members;
  }
  for (const name of Object.keys(value)) {
    members += 1 + countMembers((value as Record<string, JsonValue>)[name] as JsonValue);
  }
  return members;
}

function checkNumber(value: number): void {
  if (!isExactNumber(value)) throw refuse('a number is outside I-JSON');
}

/** RFC 7493 §2.2. */
function isExactNumber(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

/** Whether `parseStrictJson` would take every number of this value: who sends another is not understood. Plain JSON, of bounded depth. */
export function isExactJson(value: JsonValue): boolean {
  if (typeof value === 'number') return isExactNumber(value);
  return typeof value !== 'object' || value === null || (Object.values(value) as readonly JsonValue[]).every(isExactJson);
}

function refuse(reason: string, offset?: number): EncodingError {
  return new EncodingError({ code: 'TALOS_ENCODING_JSON', message: `JSON refused: ${reason}`, ...(offset === undefined ? {} : { offset }) });
}
