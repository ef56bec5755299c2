import type { TransportErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** A transport failed. `retryable` says whether the same call may succeed later. */
export class TransportError extends TalosError {
  declare readonly code: TransportErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: TransportErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is TransportError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_TRANSPORT_');
  }
}
