/** `glob`: text with stars (docs/spec/02 §6.10). @module */
import type { ConstraintKind } from '../constraint-kind.ts';

/** `*` stands for any run of characters within one segment between slashes, an empty one too. `report-*.pdf`, `acme/*`. Of a list argument, every element. */
export function glob(pattern: string): { readonly glob: string } {
  return { glob: pattern };
}

/** Control characters cut texts short in some layer below; a backslash is a separator there or none. */
const forbidden = /[\u0000-\u001f\u007f\\]/; // oxlint-disable-line no-control-regex -- they are what is refused

/** As long as a path may be; matching takes at most length times length steps. */
const maxGlobLength = 4096;

/** A pattern that is cut where it has slashes. */
export type Glob = readonly string[];

export const globKind: ConstraintKind = {
  whole: false,
  compile(rule) {
    const pattern = parseGlob(rule);
    return pattern === undefined ? undefined : (value) => typeof value === 'string' && matchesGlob(value, pattern);
  },
};

/** Undefined if it is no pattern. */
export function parseGlob(rule: unknown): Glob | undefined {
  if (typeof rule !== 'string' || rule.length === 0 || rule.length > maxGlobLength || forbidden.test(rule)) return undefined;
  const segments = rule.split('/');
  return segments.some(isDots) ? undefined : segments;
}

function matchesGlob(text: string, pattern: Glob): boolean {
  if (text.length > maxGlobLength || forbidden.test(text)) return false;
  const segments = text.split('/');
  return segments.length === pattern.length && segments.every((segment, i) => !isDots(segment) && matchesSegment(segment, pattern[i] as string));
}

/** `*` in the text matches only a `*` of the pattern: so one pattern can be held against another. Greedy with one step back, so quadratic at worst. */
export function matchesSegment(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[next] === '*') {
      star = next++;
      resume = at;
    } else if (pattern[next] === text[at]) {
      next++;
      at++;
    } else if (star !== -1) {
      next = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[next] === '*') next++;
  return next === pattern.length;
}

function isDots(segment: string): boolean {
  return segment === '.' || segment === '..';
}
