/** Takes what a call draws on, all or none: every limit of every link, and the approvals that it needs (docs/spec/05 §1). @module */
import type { ApprovalDesk, UsableApproval } from './approval-desk.ts';
import type { Refused } from './authorize.ts';
import { deny, type DenialDetails } from './denial.ts';
import type { Charge, ChargeRefusal, LimitStore, Settlement } from './limit-store.ts';
import { limitCharges, toSmallestParts, type LimitCharge } from './limits.ts';
import type { ConditionedCall, ReportedCost, Reservation, Reservations } from './reservation.ts';

export type ReservationStores = {
  readonly limits: LimitStore;
  /** Without it a call that needs an approval is refused. */
  readonly approvals?: ApprovalDesk;
};

/** Approvals of one call that turn out to be used up before one is found that is not. */
const maxAttempts = 16;

/** Plug it into a guard. @returns A port whose `take` rejects with a {@link StoreError} only; `reserve` makes a denial of that. */
export function createReservations(stores: ReservationStores): Reservations {
  return { take: (call) => take(stores, call) };
}

async function take({ limits, approvals }: ReservationStores, call: ConditionedCall): Promise<Reservation | Refused> {
  const charges = limitCharges(call.path, call.input);
  const steps = call.path.flatMap(({ grant: { approve } }, link) => (approve?.applies(call.input) === true ? [{ link, approve }] : []));
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const usable: UsableApproval[] = [];
    for (const step of steps) {
      const found = (await approvals?.find(call, step)) ?? { denied: deny('APPROVAL_REQUIRED', { cap: call.cap, link: step.link }) };
      if (found.denied !== undefined) return found;
      usable.push(found);
    }
    const spent = usable.flatMap((approval) => approval.charges);
    const all: readonly Charge[] = [...charges, ...spent];
    const refusal = all.length === 0 ? undefined : await limits.reserve(all, call.now);
    if (refusal === undefined) return new Taken(limits, charges, spent);
    const refused = charges[refusal.charge];
    if (refused !== undefined) return { denied: denialOf(refused, refusal, call) };
    // An approval was used up, by this agent or another process: it is put away, and another one looked for.
    const used = usable.find((approval) => approval.charges.includes(all[refusal.charge] as Charge)) as UsableApproval;
    await approvals?.putAway(used);
  }
  return { denied: deny('APPROVAL_REQUIRED', { cap: call.cap }) };
}

function denialOf({ code, link, grant }: LimitCharge, { reason, retryAfterMs }: ChargeRefusal, { cap }: ConditionedCall) {
  const details: DenialDetails = { cap, link, grant, ...(retryAfterMs === undefined ? {} : { retryAfter: Math.ceil(retryAfterMs / 1000) }) };
  return deny(reason === 'lost' ? 'LIMIT_STATE_LOST' : code, details);
}

class Taken implements Reservation {
  declare readonly denied?: undefined;
  readonly #limits: LimitStore;
  readonly #charges: readonly LimitCharge[];
  readonly #approvals: readonly Charge[];
  #settled = false;

  constructor(limits: LimitStore, charges: readonly LimitCharge[], approvals: readonly Charge[]) {
    this.#limits = limits;
    this.#charges = charges;
    this.#approvals = approvals;
  }

  commit(cost?: ReportedCost): Promise<void> {
    return this.#settle(
      this.#charges.map((charge) => costOf(charge, cost)),
      1,
    );
  }

  release(): Promise<void> {
    return this.#settle(
      this.#charges.map(() => 0),
      0,
    );
  }

  async #settle(used: readonly number[], approvalsUsed: 0 | 1): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    const settlements: Settlement[] = [
      ...this.#charges.map(({ key, rule, amount }, i) => ({ key, rule, held: amount, used: used[i] as number })),
      ...this.#approvals.map(({ key, rule }) => ({ key, rule, held: 1, used: approvalsUsed })),
    ];
    if (settlements.length > 0) await this.#limits.settle(settlements);
  }
}

/** What a reported cost comes to in this budget; all that was set aside if it says nothing that this budget understands. */
function costOf({ amount, reported }: LimitCharge, cost: ReportedCost | undefined): number {
  if (reported === undefined || cost?.unit !== reported.unit) return amount;
  return toSmallestParts(cost.amount, reported.decimals) ?? amount;
}
