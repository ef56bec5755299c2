/** `subpath`: a file path inside a root, decided from the text alone (docs/spec/02 §6.6). @module */
import { closedObject } from '../closed-object.ts';
import type { ConstraintKind } from '../constraint-kind.ts';
import { isInside, parsePath, type ParsedPath, type PathStyle } from './path.ts';

/** `os`: whose rules the tool's file system follows. `any`, the default, allows only what is inside under both. */
export type SubpathRule = { readonly root: string; readonly os?: PathStyle };

/**
 * The root itself or a path below it; of a list argument, every element. A relative root admits relative paths only.
 * Symbolic links are the tool's duty: this sees the text, not the disk.
 */
export function subpath(root: string | SubpathRule, options: { readonly os?: PathStyle } = {}): { readonly subpath: SubpathRule } {
  return { subpath: typeof root === 'string' ? { root, ...options } : root };
}

const members: ReadonlySet<string> = /* @__PURE__ */ new Set(['root', 'os']);

export const subpathKind: ConstraintKind = {
  whole: false,
  compile(rule) {
    const given = closedObject(rule, members);
    if (given === undefined) return undefined;
    const { root: text, os = 'any' } = given;
    if (typeof text !== 'string' || (os !== 'posix' && os !== 'win32' && os !== 'any')) return undefined;
    const root = parsePath(text, os);
    return root === undefined ? undefined : (value) => typeof value === 'string' && isBelow(root, parsePath(value, os));
  },
};

function isBelow(root: ParsedPath, path: ParsedPath | undefined): boolean {
  return path !== undefined && isInside(path, root);
}
