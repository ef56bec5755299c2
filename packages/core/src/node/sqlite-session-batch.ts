/**
 * What one commit writes, on its way to the store's thread: its texts and numbers as JSON, its bytes as one buffer that is handed over.
 * Cloning a thousand small arrays would cost the event loop more than the write. Only ever read by the same version of this file. @module
 */
import type { SessionWrites } from '../session/session-store.ts';

export type PackedWrites = { readonly json: string; readonly bytes: ArrayBuffer };

/** In the place of bytes: how many of the buffer's next they are. */
type Place = { readonly bytes: number };

export function encodeWrites(writes: SessionWrites): PackedWrites {
  const parts: Uint8Array[] = [];
  // Not an arrow: `this` has the value as it is, where a Buffer would already have been made a list of numbers.
  const json = JSON.stringify(writes, function (this: Readonly<Record<string, unknown>>, name: string, value: unknown) {
    const part = this[name];
    if (!(part instanceof Uint8Array)) return value;
    parts.push(part);
    return { bytes: part.length } satisfies Place;
  });
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { json, bytes: bytes.buffer };
}

/** Bytes are views of the buffer, in the order in which they were written. */
export function decodeWrites({ json, bytes }: PackedWrites): SessionWrites {
  let at = 0;
  return JSON.parse(json, (_, value: unknown) => {
    if (!isPlace(value)) return value;
    const part = new Uint8Array(bytes, at, value.bytes);
    at += value.bytes;
    return part;
  }) as SessionWrites;
}

function isPlace(value: unknown): value is Place {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Place>).bytes === 'number';
}
