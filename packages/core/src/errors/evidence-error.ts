import type { EvidenceErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** An evidence file that cannot be read, or cannot be made. What a file says and does not prove is a claim's verdict, not an error. */
export class EvidenceError extends TalosError {
  declare readonly code: EvidenceErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: EvidenceErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is EvidenceError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_EVIDENCE_');
  }
}
