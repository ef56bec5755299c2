import { TalosError } from './talos-error.ts';

/**
 * A tool call was refused. Thrown only at a framework's edge, where an exception is the one way to stop a tool;
 * inside Talos a refusal is a value (`Decision`). The message is safe to show to a model.
 */
export class TalosDeniedError extends TalosError {
  declare readonly code: 'TALOS_DENIED';
  /** A `DenialCode`; typed as string here because L0 knows no capability. */
  readonly denialCode: string;
  /** Id of the `policy.decision` entry, absent when the log could not be written. */
  readonly entryId: string | undefined;

  constructor(options: { readonly denialCode: string; readonly message: string; readonly entryId?: string | undefined; readonly retryable?: boolean }) {
    super({ code: 'TALOS_DENIED', message: options.message, retryable: options.retryable ?? false });
    this.denialCode = options.denialCode;
    this.entryId = options.entryId;
  }

  static override isInstance(value: unknown): value is TalosDeniedError {
    return TalosError.isInstance(value) && value.code === 'TALOS_DENIED';
  }
}
