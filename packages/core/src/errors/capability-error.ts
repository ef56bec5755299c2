import type { CapabilityErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** A capability could not be issued, or a statement about capabilities not be taken in. A refusal of a call is a `Denial`, not this. */
export class CapabilityError extends TalosError {
  declare readonly code: CapabilityErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: CapabilityErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is CapabilityError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_CAPABILITY_');
  }
}
