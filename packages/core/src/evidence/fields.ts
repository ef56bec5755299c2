/** Reads closed JSON member by member and names the place that is wrong: `logs[0].entries[3].proof`. @module */
import { decodeBase64 } from '../bytes/base64.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { EvidenceError } from '../errors/evidence-error.ts';
import { TalosError } from '../errors/talos-error.ts';

/** A value and where it stands. */
export type Field = { readonly value: JsonValue | undefined; readonly at: string };

/** Exactly these members, no more and no fewer. */
export function readMembers<Name extends string>({ value, at }: Field, names: readonly Name[]): Record<Name, Field> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'is not an object');
  const members = value as JsonObject;
  const wanted = names.toSorted().join();
  if (Object.keys(members).toSorted().join() !== wanted) throw malformed(at, `does not have exactly the members ${wanted}`);
  return Object.fromEntries(names.map((name) => [name, { value: members[name], at: at === '' ? name : `${at}.${name}` }])) as Record<Name, Field>;
}

export function readList({ value, at }: Field, most: number): Field[] {
  if (!Array.isArray(value)) throw malformed(at, 'is not an array');
  if (value.length > most) throw new EvidenceError({ code: 'TALOS_EVIDENCE_LIMIT', message: `evidence refused: ${at} has more than ${most} members` });
  return (value as readonly JsonValue[]).map((item, i) => ({ value: item, at: `${at}[${i}]` }));
}

export function readText({ value, at }: Field, most: number): string {
  if (typeof value !== 'string' || value.length > most) throw malformed(at, `is not a text of at most ${most} characters`);
  return value;
}

/** An integer from 0 to 2^53 − 1. */
export function readCount({ value, at }: Field): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(at, 'is not a count');
  return value;
}

export function readBytes({ value, at }: Field, most: number): Uint8Array {
  if (typeof value !== 'string' || value.length > Math.ceil(most / 3) * 4) throw malformed(at, `is not base64 of at most ${most} bytes`);
  try {
    const bytes = decodeBase64(value);
    if (bytes.length <= most) return bytes;
  } catch (error) {
    if (!TalosError.isInstance(error)) throw error;
  }
  throw malformed(at, `is not canonical base64 of at most ${most} bytes`);
}

/** What names the members of a list, most significant first. */
type Key = readonly (number | string)[];

/** Nothing stands twice and nothing in another order: two files that say the same are the same file. */
export function requireAscending<T>({ at }: Field, items: readonly T[], keyOf: (item: T) => Key): void {
  for (let i = 1; i < items.length; i++)
    if (compareKeys(keyOf(items[i - 1] as T), keyOf(items[i] as T)) >= 0) throw malformed(`${at}[${i}]`, 'stands twice, or not in its order');
}

export function compareKeys(a: Key, b: Key): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] as number | string;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

export function malformed(at: string, reason: string): EvidenceError {
  return new EvidenceError({ code: 'TALOS_EVIDENCE_MALFORMED', message: `evidence refused: ${at === '' ? 'the file' : at} ${reason}` });
}
