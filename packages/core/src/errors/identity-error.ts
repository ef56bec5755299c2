import type { IdentityErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** An identity, its history, its bundle or its key store was refused. */
export class IdentityError extends TalosError {
  declare readonly code: IdentityErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: IdentityErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is IdentityError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_IDENTITY_');
  }
}
