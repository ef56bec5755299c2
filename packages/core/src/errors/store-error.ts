import type { StoreErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** A store failed. `retryable` says whether the same call may succeed later. */
export class StoreError extends TalosError {
  declare readonly code: StoreErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: StoreErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is StoreError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_STORE_');
  }
}
