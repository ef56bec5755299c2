/**
 * The deep copy that a decision is made on. A getter, a proxy or a caller that keeps the object could show one value to the check
 * and another to the tool; what is read once and copied cannot. Only plain JSON is copied: a Date or a Set has no one meaning to a constraint.
 * @module
 */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { hasLoneSurrogate } from '../bytes/utf8.ts';

/** Where the value stops being plain JSON: `a.b[0]`. */
export type NotPlain = { readonly path: string };

/** Deeper input is no argument list; the bound keeps recursion safe on every engine. */
const maxDepth = 32;
/** Values in one input. Copying this many takes a few milliseconds, and the caller may be a model under attack. */
const maxValues = 100_000;
/** UTF-16 units over all strings and names of one input. */
const maxTextUnits = 1 << 20;

class Copying {
  values = 0;
  textUnits = 0;
}

class NotPlainAt {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

/** A copy made of plain objects, arrays and primitives only; `undefined` members are left out. An absent input is no arguments. */
export function copyPlainObject(value: unknown): { readonly copy: JsonObject } | { readonly notPlain: NotPlain } {
  const result = copyPlain(value ?? {});
  if ('notPlain' in result) return result;
  const isObject = typeof result.copy === 'object' && result.copy !== null && !Array.isArray(result.copy);
  return isObject ? { copy: result.copy as JsonObject } : { notPlain: { path: '' } };
}

/** The same for any JSON value. */
export function copyPlain(value: unknown): { readonly copy: JsonValue } | { readonly notPlain: NotPlain } {
  try {
    return { copy: copyValue(new Copying(), { value, path: '', depth: 0 }) };
  } catch (stopped) {
    // A proxy's trap may throw anything: whatever cannot be read is not plain.
    return { notPlain: { path: stopped instanceof NotPlainAt ? stopped.path : '' } };
  }
}

type Step = { readonly value: unknown; readonly path: string; readonly depth: number };

function copyValue(copying: Copying, step: Step): JsonValue {
  const { value, path, depth } = step;
  if (++copying.values > maxValues || depth > maxDepth) throw new NotPlainAt(path);
  if (typeof value === 'string') return copyText(copying, value, path);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotPlainAt(path);
    return value === 0 ? 0 : value;
  }
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') throw new NotPlainAt(path);
  return Array.isArray(value) ? copyArray(copying, value, step) : copyObject(copying, value, step);
}

function copyText(copying: Copying, text: string, path: string): string {
  copying.textUnits += text.length;
  if (copying.textUnits > maxTextUnits || hasLoneSurrogate(text)) throw new NotPlainAt(path);
  return text;
}

function copyArray(copying: Copying, items: readonly unknown[], { path, depth }: Step): JsonValue[] {
  const copy: JsonValue[] = [];
  const length = items.length;
  if (length > maxValues) throw new NotPlainAt(path);
  for (let i = 0; i < length; i++) {
    const at = `${path}[${i}]`;
    copy.push(copyValue(copying, { value: readOwn(items, String(i), at), path: at, depth: depth + 1 }));
  }
  return copy;
}

function copyObject(copying: Copying, value: object, { path, depth }: Step): JsonObject {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of another realm has another Object.prototype, which has none above it.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw new NotPlainAt(path);
  const copy: Record<string, JsonValue> = {};
  for (const name of Object.keys(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    // Assigning it would set the copy's prototype, and no tool needs an argument of this name.
    if (name === '__proto__') throw new NotPlainAt(at);
    const member = readOwn(value, copyText(copying, name, at), at);
    if (member !== undefined) copy[name] = copyValue(copying, { value: member, path: at, depth: depth + 1 });
  }
  return copy;
}

/** Never runs a getter: what it gives now says nothing about what it gives the tool. */
function readOwn(value: object, name: string, path: string): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(value, name);
  if (descriptor === undefined || descriptor.get !== undefined || descriptor.set !== undefined) throw new NotPlainAt(path);
  return descriptor.value;
}
