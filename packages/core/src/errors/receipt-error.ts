import type { ReceiptErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** A request, an outcome or a countersignature of a remote call was refused. */
export class ReceiptError extends TalosError {
  declare readonly code: ReceiptErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: ReceiptErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is ReceiptError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_RECEIPT_');
  }
}
