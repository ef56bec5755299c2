/** What the private store's two halves say to each other across the thread. @module */
import type { ErasedOpenings, ErasureTask, LegalHold, OpeningsOfEntry, Subject } from '../audit/private-store.ts';
import type { SealedSubject } from './sealed-subjects.ts';

export type PrivateOptions = { readonly path: string; readonly keysPath: string; readonly readOnly: boolean };

/** All bytes in one buffer that is handed over: cloning small arrays would copy the pools that they lie in. */
export type PackedOpenings = {
  readonly entries: readonly { readonly index: number; readonly openings: readonly PackedOpening[] }[];
  readonly bytes: ArrayBuffer;
};
type PackedOpening = { readonly field: string; readonly subject: string | undefined; readonly salt: number; readonly payload: number };

export type PrivateRequest =
  | { readonly op: 'saveOpenings'; readonly packed: PackedOpenings }
  | { readonly op: 'loadOpenings'; readonly index: number }
  | { readonly op: 'saved' }
  | { readonly op: 'trim'; readonly size: number }
  | { readonly op: 'indices'; readonly of: { readonly subject: string } | { readonly from: number; readonly limit: number } }
  | { readonly op: 'findSubject'; readonly name: string }
  | { readonly op: 'loadSubject'; readonly ref: string }
  | { readonly op: 'ensureSubject'; readonly name: string; readonly fresh: Subject }
  | { readonly op: 'clearSubjects' }
  | { readonly op: 'sealSubjects'; readonly sealed: readonly SealedSubject[] }
  | { readonly op: 'scrubSubjects' }
  | { readonly op: 'begin'; readonly task: ErasureTask; readonly subject: string | undefined }
  | { readonly op: 'pending' }
  | { readonly op: 'finished' }
  | { readonly op: 'erase'; readonly openings: ErasedOpenings }
  | { readonly op: 'finish'; readonly number: number }
  | { readonly op: 'saveHold'; readonly hold: LegalHold }
  | { readonly op: 'removeHold'; readonly id: string }
  | { readonly op: 'holds' }
  | { readonly op: 'saveDisclosures'; readonly indices: readonly number[]; readonly recipient: string }
  | { readonly op: 'recipients'; readonly index: number }
  | { readonly op: 'close' };

export function packOpenings(entries: readonly OpeningsOfEntry[]): PackedOpenings {
  let size = 0;
  for (const { openings } of entries) for (const { salt, payload } of openings) size += salt.length + payload.length;
  const bytes = new Uint8Array(size);
  let end = 0;
  const put = (part: Uint8Array): number => {
    bytes.set(part, end);
    end += part.length;
    return part.length;
  };
  const packed = entries.map(({ index, openings }) => ({
    index,
    openings: openings.map(({ field, subject, salt, payload }) => ({ field, subject, salt: put(salt), payload: put(payload) })),
  }));
  return { entries: packed, bytes: bytes.buffer };
}

export function unpackOpenings({ entries, bytes }: PackedOpenings): OpeningsOfEntry[] {
  let end = 0;
  const take = (length: number): Uint8Array => {
    const part = new Uint8Array(bytes, end, length);
    end += length;
    return part;
  };
  return entries.map(({ index, openings }) => ({
    index,
    openings: openings.map(({ field, subject, salt, payload }) => ({ field, subject, salt: take(salt), payload: take(payload) })),
  }));
}
