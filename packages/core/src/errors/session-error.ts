import type { SessionErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** A session, handshake or frame was refused. One opaque code for every failed decryption. */
export class SessionError extends TalosError {
  declare readonly code: SessionErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: SessionErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is SessionError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_SESSION_');
  }
}
