/** The witness of a log, as the log sees it: somebody else who keeps the last head and refuses to forget it (c2sp.org/tlog-witness). @module */
import type { CosignerKey } from './cosignature.ts';
import type { WitnessRequest } from './witness-request.ts';

/** `cosignatures`: signature lines as they came, unverified. `knownSize`: it knows another size than the request was made for. */
export type WitnessAnswer = { readonly cosignatures: string } | { readonly knownSize: number };

export interface Witness {
  /** The key under which its cosignatures are believed. */
  readonly key: CosignerKey;
  /**
   * Hands in a checkpoint with the proof that it continues the one the witness knows. It is asked again later whatever it answers.
   * @throws {@link TransportError} if it cannot be reached or refuses; `retryable` says whether the same request may succeed later.
   */
  addCheckpoint(request: WitnessRequest): Promise<WitnessAnswer>;
  /** The note that it cosigned last for this origin, unverified; undefined if it does not say. @throws {@link TransportError}. */
  latest(origin: string): Promise<string | undefined>;
}
