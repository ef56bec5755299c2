/** Checks at public doors: a value of the wrong type altogether is the caller's mistake, and gets a coded error before anything is read of it. @module */
import { UsageError } from './usage-error.ts';

export function requireObject(title: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null) throw wrong(title, 'an object');
}

export function requireText(title: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw wrong(title, 'a string');
}

export function requireUint8Array(title: string, value: unknown): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) throw wrong(title, 'a Uint8Array');
}

export function requireFunction(title: string, value: unknown): asserts value is (...args: never[]) => unknown {
  if (typeof value !== 'function') throw wrong(title, 'a function');
}

function wrong(title: string, type: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `${title} must be ${type}` });
}
