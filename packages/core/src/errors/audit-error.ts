import type { AuditErrorCode } from './codes.ts';
import { TalosError, type TalosErrorOptions } from './talos-error.ts';

/** An entry, a proof, a checkpoint or the log itself was refused. */
export class AuditError extends TalosError {
  declare readonly code: AuditErrorCode;

  constructor(options: TalosErrorOptions & { readonly code: AuditErrorCode }) {
    super(options);
  }

  static override isInstance(value: unknown): value is AuditError {
    return TalosError.isInstance(value) && value.code.startsWith('TALOS_AUDIT_');
  }
}
