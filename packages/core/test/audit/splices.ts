/** Texts that were changed anywhere, and what a reader makes of them. */
import { expect } from 'vitest';
import { TalosError } from '../../src/errors/talos-error.ts';

export type Splice = { readonly at: number; readonly remove: number; readonly insert: string };

export const spliced = (text: string, edits: readonly Splice[]): string =>
  edits.reduce((each, { at, remove, insert }) => {
    const place = at % (each.length + 1);
    return each.slice(0, place) + insert + each.slice(place + remove);
  }, text);

/** The value, or undefined if it was refused with a code; anything else that is thrown fails the test. */
export function accepted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(TalosError.isInstance(error), String(error)).toBe(true);
    return undefined;
  }
}
