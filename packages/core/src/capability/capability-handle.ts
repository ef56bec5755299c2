/** What admission leaves behind: an object that cannot be forged, copied or sent to another process (docs/spec/02 §7). @module */
import type { Env } from '../env/env.ts';
import type { CapabilityClaims } from './capability.ts';
import type { Link } from './link.ts';
import type { ValidTime } from './valid-time.ts';

/** Behind a handle, for this room only. `links`: root → leaf, at least one. `time`: when all of them hold. */
export type Admitted = { readonly links: readonly Link[]; readonly leaf: Link; readonly time: ValidTime; readonly env: Env };

/**
 * A capability whose signatures, audience, holder and issuer were checked by `admit` in this process. Its private field is the proof:
 * no object made elsewhere, no structured clone and no object of another realm has it. Time is checked again at each use.
 */
export class CapabilityHandle {
  readonly #admitted: Admitted;

  /** Not exported from the package: `admit` is the only way to one. */
  constructor(admitted: Admitted) {
    this.#admitted = admitted;
  }

  /** The checked claims of the leaf, for people and logs. Changing them changes no decision. */
  get claims(): CapabilityClaims {
    return this.#admitted.leaf.claims;
  }

  /** SHA-256 of the leaf's compact JWS, base64url: how logs and receipts name it. */
  get cap(): string {
    return this.#admitted.leaf.key;
  }

  /** What is behind a handle, or undefined if the value is none of this process's. Total. */
  static open(value: unknown): Admitted | undefined {
    return typeof value === 'object' && value !== null && #admitted in value ? value.#admitted : undefined;
  }
}
