/** The last step before a tool runs, and the only mint of a `Grant` (docs/spec/02 §7, 05 §1). @module */
import { UsageError } from '../errors/usage-error.ts';
import type { Refused } from './authorize.ts';
import { deny } from './denial.ts';
import type { Admitted } from './capability-handle.ts';
import { grantPath, type PathStep } from './grant-path.ts';
import { Permit, type Taken } from './permit.ts';
import type { ReportedCost, Reservation, Reservations } from './reservation.ts';
import { TokenFault } from './token-fault.ts';
import { checkTime } from './valid-time.ts';

declare const grantBrand: unique symbol;

/** The right to run one call once. Only `reserve` makes one: code that asks for a `Grant` cannot be reached around the guard. */
export type Grant = {
  readonly [grantBrand]: true;
  readonly denied?: undefined;
  readonly tool: string;
  /** SHA-256 of the token, base64url. */
  readonly cap: string;
  /** Index of the grant that allowed the call; −1 if none did and the call runs because it is only observed. */
  readonly grant: number;
};

class MintedGrant {
  readonly tool: string;
  readonly cap: string;
  readonly grant: number;
  readonly #admitted: Admitted;
  readonly #reservation: Reservation | undefined;
  #cost: ReportedCost | undefined;
  #state: 'fresh' | 'spent' | 'settled' = 'fresh';

  constructor(parts: { readonly admitted: Admitted; readonly tool: string; readonly grant: number; readonly reservation?: Reservation | undefined }) {
    this.tool = parts.tool;
    this.cap = parts.admitted.leaf.key;
    this.grant = parts.grant;
    this.#admitted = parts.admitted;
    this.#reservation = parts.reservation;
  }

  /** @throws {@link UsageError} for anything that is no grant of this process. */
  static open(value: unknown): MintedGrant {
    if (typeof value !== 'object' || value === null || !(#state in value)) throw refuse();
    return value;
  }

  spend(): void {
    if (this.#state !== 'fresh') throw refuse();
    this.#state = 'spent';
  }

  report(cost: ReportedCost): void {
    this.#cost = cost;
  }

  /** Undefined if there is nothing to wait for. */
  settle(): Promise<void> | undefined {
    const state = this.#state;
    this.#state = 'settled';
    if (state === 'settled') return undefined;
    return state === 'spent' ? this.#reservation?.commit(this.#cost) : this.#reservation?.release();
  }

  /** Undefined while the chain holds. */
  get ended() {
    return this.#admitted.time.standing?.ended?.code;
  }

  watch(run: () => void): () => void {
    return this.#admitted.time.standing?.watch(run) ?? (() => undefined);
  }
}

/**
 * Turns a permit into a grant. The permit is used up whatever the result, and time is checked once more: a permit that waited behind
 * a slow log must not outlive its capability.
 *
 * If the call falls under a limit or an approval of any link, `reservations` has to take all of them; a guard without any refuses the call.
 */
export async function reserve(permit: Permit, reservations?: Reservations): Promise<Grant | Refused> {
  const taken = Permit.take(permit);
  if (taken === undefined) return { denied: deny('HANDLE_UNKNOWN') };
  const { admitted } = taken;
  const at = { cap: admitted.leaf.key, link: admitted.links.length - 1 };
  const untimely = checkTime(admitted.time, admitted.env);
  if (untimely !== undefined) return { denied: deny(untimely, at) };
  const path = grantPath(admitted, taken.candidate);
  if (!path.some(({ grant }) => grant.limit ?? grant.approve)) return mint(taken);
  if (reservations === undefined) return { denied: deny(path.some(({ grant }) => grant.limit) ? 'LIMIT_STATE_LOST' : 'APPROVAL_REQUIRED', at) };
  return take({ taken, path, reservations, at });
}

type Taking = { readonly taken: Taken; readonly path: readonly PathStep[]; readonly reservations: Reservations; readonly at: { readonly cap: string } };

async function take({ taken, path, reservations, at }: Taking): Promise<Grant | Refused> {
  const { admitted } = taken;
  const { cap } = at;
  try {
    const reservation = await reservations.take({ ...taken, path, cap, now: admitted.env.now() });
    if (reservation.denied !== undefined) return reservation;
    // A store on disk takes its time, and a revocation may have come in between.
    const untimely = checkTime(admitted.time, admitted.env);
    if (untimely === undefined) return mint(taken, reservation);
    await reservation.release();
    return { denied: deny(untimely, at) };
  } catch (fault) {
    // Whatever goes wrong where rights are counted, nobody knows what is left of them.
    return { denied: fault instanceof TokenFault ? deny(fault.code, { cap, ...fault.details }) : deny('LIMIT_STATE_LOST', { cap }) };
  }
}

function mint({ admitted, tool, candidate }: Taken, reservation?: Reservation): Grant {
  return new MintedGrant({ admitted, tool, grant: candidate.grant.index, reservation }) as unknown as Grant;
}

/**
 * A grant for a call that was refused and is only observed. Not exported from the package: `observeMode` decides when, by a guard's own
 * configuration. What ends a capability ends this as well.
 */
export function mintObserved(admitted: Admitted, tool: string): Grant | undefined {
  return checkTime(admitted.time, admitted.env) === undefined ? (new MintedGrant({ admitted, tool, grant: -1 }) as unknown as Grant) : undefined;
}

/**
 * Marks a grant as used, at the moment the tool starts.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if it is no grant of this process or was used before: the tool must not run.
 */
export function spendGrant(grant: Grant): void {
  MintedGrant.open(grant).spend();
}

/**
 * Ends a grant: what it reserved is spent if the tool was started, and given back if it was not. Once; later calls do nothing.
 * Rejects with a {@link StoreError} if that could not be written: then it stays reserved, which no later call can undo.
 */
export async function settleGrant(grant: Grant): Promise<void> {
  await MintedGrant.open(grant).settle();
}

/**
 * What the call cost, for budgets whose cost is `reported`: call it from the tool before it returns. Without it the whole bound is spent; the
 * last report counts, and one in another unit does not.
 */
export function reportCost(grant: Grant, cost: ReportedCost): void {
  MintedGrant.open(grant).report(cost);
}

/** Why the grant's chain no longer holds, if it was revoked since. */
export function endedCode(grant: Grant) {
  return MintedGrant.open(grant).ended;
}

/** Calls `run` once if the chain of the grant is revoked. The result takes it off again. */
export function watchGrant(grant: Grant, run: () => void): () => void {
  return MintedGrant.open(grant).watch(run);
}

function refuse(): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'not an unused grant: get one from reserve() for each call' });
}
