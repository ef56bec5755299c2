/** The base of every error Talos throws, recognisable across two copies of the package. @module */
import type { ErrorCode } from './codes.ts';

/** Stamped on every instance: `instanceof` fails when an app holds two copies of core, a registered symbol does not. */
const brand = Symbol.for('org.talosprotocol/error');

export type TalosErrorOptions = {
  readonly code: ErrorCode;
  /** One sentence that names the fix. Never a secret, plaintext or tool input. */
  readonly message: string;
  readonly cause?: unknown;
  /** Whether the same call may succeed later without a change. Default false. */
  readonly retryable?: boolean;
};

export class TalosError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(options: TalosErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.retryable = options.retryable ?? false;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Whether `value` was thrown by this or another copy of core. Total: never throws. */
  static isInstance(value: unknown): value is TalosError {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
  }
}
