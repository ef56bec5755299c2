import type { CryptoErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** A primitive refused its input. Carries no detail of the input. */
export class CryptoError extends TalosError {
  declare readonly code: CryptoErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: CryptoErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is CryptoError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_CRYPTO_');
  }
}
