import type { UsageErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** The caller used the API wrongly: the fix is in the calling code. */
export class UsageError extends TalosError {
  declare readonly code: UsageErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: UsageErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is UsageError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_USAGE_');
  }
}
