/** Between `reserve` and what it draws on: the port that a guard plugs in if it has limits or approvals to keep (docs/spec/05 §1). @module */
import type { JsonObject } from '../bytes/json-value.ts';
import type { Refused } from './authorize.ts';
import type { PathStep } from './grant-path.ts';

/** A call that the chain allows, and the grants of every link that it falls under. */
export type ConditionedCall = {
  readonly tool: string;
  readonly input: JsonObject;
  /** Root → leaf. */
  readonly path: readonly PathStep[];
  /** SHA-256 of the leaf, base64url. */
  readonly cap: string;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** What a call cost, as its tool reports it: `amount` in whole units, `'0.35'`. */
export type ReportedCost = { readonly unit: string; readonly amount: number | string };

/** What was set aside for one call. Settled once; if that fails it stays set aside. */
export interface Reservation {
  readonly denied?: undefined;
  /** The tool was started: its limits are spent, whatever came of it. */
  commit(cost?: ReportedCost): Promise<void>;
  /** The tool was not started. */
  release(): Promise<void>;
}

export interface Reservations {
  /** Takes every limit of every link and the approvals, all or none. Rejects only for what is wrong in its stores. */
  take(call: ConditionedCall): Promise<Reservation | Refused>;
}
