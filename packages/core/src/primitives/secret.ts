/** The holder of secret bytes: it does not print, does not serialise, and can be wiped. @module */
import { UsageError } from '../errors/usage-error.ts';

const redacted = '[secret]';

/**
 * Wiping overwrites this one array. Copies that the engine, a KeyObject or the garbage collector made are out of reach
 * of JavaScript (SECURITY.md, "Memory").
 */
export class Secret {
  #bytes: Uint8Array | undefined;

  /** Takes the array over: the caller must not keep it. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The live bytes, not a copy. @throws {@link UsageError} `TALOS_USAGE_CLOSED` after `wipe`. */
  expose(): Uint8Array {
    if (this.#bytes === undefined) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this secret was wiped' });
    return this.#bytes;
  }

  wipe(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  toJSON(): string {
    return redacted;
  }

  toString(): string {
    return redacted;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return redacted;
  }
}
