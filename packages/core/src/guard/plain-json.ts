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

/** Thrown by what finds the value not to be plain. */
const notPlain = /* @__PURE__ */ Symbol();

/** A copy made of plain objects, arrays and primitives only; `undefined` members are left out. An absent input is no arguments. */
export function copyPlainObject(value: unknown): { readonly copy: JsonObject } | { readonly notPlain: NotPlain } {
  const result = copyPlain(value ?? {});
  if ('notPlain' in result) return result;
  const isObject = typeof result.copy === 'object' && result.copy !== null && !Array.isArray(result.copy);
  return isObject ? { copy: result.copy as JsonObject } : { notPlain: { path: '' } };
}

/** The same for any JSON value. */
export function copyPlain(value: unknown): { readonly copy: JsonValue } | { readonly notPlain: NotPlain } {
  const copying = new Copying();
  try {
    return { copy: copying.copy(value) };
  } catch (stopped) {
    // A proxy's trap may throw anything: whatever cannot be read is not plain.
    return { notPlain: { path: stopped === notPlain ? copying.path() : '' } };
  }
}

class Copying {
  #values = 0;
  #textUnits = 0;
  /** From the outermost value to the one that is copied now. */
  readonly #keys: (string | number)[] = [];

  path(): string {
    let path = '';
    for (const key of this.#keys) path += typeof key === 'number' ? `[${key}]` : path === '' ? key : `.${key}`;
    return path;
  }

  copy(value: unknown): JsonValue {
    if (++this.#values > maxValues || this.#keys.length > maxDepth) throw notPlain;
    if (typeof value === 'string') return this.#text(value);
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw notPlain;
      return value === 0 ? 0 : value;
    }
    if (typeof value === 'boolean' || value === null) return value;
    if (typeof value !== 'object') throw notPlain;
    return Array.isArray(value) ? this.#array(value) : this.#object(value);
  }

  #text(text: string): string {
    this.#textUnits += text.length;
    if (this.#textUnits > maxTextUnits || hasLoneSurrogate(text)) throw notPlain;
    return text;
  }

  #array(items: readonly unknown[]): JsonValue[] {
    const copy: JsonValue[] = [];
    const { length } = items;
    if (length > maxValues) throw notPlain;
    for (let i = 0; i < length; i++) {
      this.#keys.push(i);
      copy.push(this.copy(readOwn(items, i)));
      this.#keys.pop();
    }
    return copy;
  }

  #object(value: object): JsonObject {
    const prototype: unknown = Object.getPrototypeOf(value);
    // A plain object of another realm has another Object.prototype, which has none above it.
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw notPlain;
    const copy: Record<string, JsonValue> = {};
    for (const name of Object.keys(value)) {
      this.#keys.push(name);
      // Assigning it would set the copy's prototype, and no tool needs an argument of this name.
      if (name === '__proto__') throw notPlain;
      const member = readOwn(value, this.#text(name));
      if (member !== undefined) copy[name] = this.copy(member);
      this.#keys.pop();
    }
    return copy;
  }
}

/** Never runs a getter: what it gives now says nothing about what it gives the tool. */
function readOwn(value: object, name: string | number): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(value, name);
  if (descriptor === undefined || !('value' in descriptor)) throw notPlain;
  return descriptor.value;
}
