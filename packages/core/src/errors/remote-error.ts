import type { RemoteErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** A remote call could not be made or read. What became of a call is a result, not this. */
export class RemoteError extends TalosError {
  declare readonly code: RemoteErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: RemoteErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is RemoteError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_REMOTE_');
  }
}
