/** Values of the state's tables, both ways. What comes back is checked: whoever can write to the tables is not believed. @module */
import { decodeBytes } from './decode-rows.ts';
import { corruptState } from './postgres-state.ts';

export type Column = string | null | undefined;

export function textBytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

export function decodeStateText(hex: Column): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(decodeStateBytes(hex));
  } catch {
    throw corruptState('a text is not UTF-8');
  }
}

/** A copy of its own. */
export function decodeStateBytes(hex: Column): Uint8Array {
  if (typeof hex !== 'string') throw corruptState('a value is missing');
  return decodeBytes(hex);
}

/** 0 to 2⁵³ − 1. */
export function decodeStateCount(text: Column): number {
  const count = typeof text === 'string' && /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw corruptState('a number is out of range');
  return count;
}

/** A time as the tables keep it: whole milliseconds, later rather than earlier. */
export function wholeMs(ms: number): number {
  if (!(ms >= 0)) return 0;
  return Math.min(Math.ceil(ms), Number.MAX_SAFE_INTEGER);
}
