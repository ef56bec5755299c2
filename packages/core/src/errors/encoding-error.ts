import type { EncodingErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** Bytes or text that are not what their format says. Holds the place, never the content. */
export class EncodingError extends TalosError {
  declare readonly code: EncodingErrorCode;
  /** Where it was noticed, in bytes or UTF-16 units from the start; absent where no one place is at fault. */
  readonly offset: number | undefined;

  constructor(options: TalosErrorOptions & { readonly code: EncodingErrorCode; readonly offset?: number }) {
    super(options);
    this.offset = options.offset;
  }

  static override isInstance(value: unknown): value is EncodingError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_ENCODING_');
  }
}
