/**
 * How the entries of a window stand towards a retention policy at one moment. What is counted is what the log still has; payloads are not in it.
 * @module
 */
import type { Entry } from '../audit/entry.ts';
import type { LegalHold } from '../audit/private-store.ts';
import { isHeld, RetentionRules, type RetentionPolicy, type RetentionTimes } from '../audit/retention.ts';
import { requireObject } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { RetentionCounts } from './report-facts.ts';
import { IndexTally } from './tally.ts';

/** What the reader wants the entries to be measured by. */
export type ReportRetention = {
  readonly policy: RetentionPolicy;
  /** As `LogPrivacy.holds` lists them. Default: none. */
  readonly holds?: readonly LegalHold[];
  /** Milliseconds since 1970. */
  readonly at: number;
};

const dayMs = 86_400_000;

type Tallies = { entries: number; withinMinimum: number; readonly overdue: IndexTally; readonly held: IndexTally; payloadsDue: number };

export class RetentionTally {
  readonly #rules: RetentionRules;
  readonly #classes: ReadonlyMap<RetentionTimes, { readonly name: string; readonly tallies: Tallies }>;
  readonly #holds: readonly LegalHold[];
  readonly #at: number;

  /** @throws {@link UsageError} `TALOS_USAGE_OPTIONS` on a policy that cannot be, `TALOS_USAGE_ARGUMENT` on a time that is none. */
  constructor(options: ReportRetention) {
    requireObject('retention', options);
    const { policy, holds = [], at } = options;
    if (!Number.isSafeInteger(at) || at < 0) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'at is a time in milliseconds since 1970' });
    this.#rules = new RetentionRules(policy);
    const named = (policy.classes ?? []).map((each) => [each, each.types.join(', ')] as const);
    this.#classes = new Map([...named, [policy.others, 'all others'] as const].map(([times, name]) => [times, { name, tallies: empty() }]));
    this.#holds = holds;
    this.#at = at;
  }

  add(index: number, entry: Entry): void {
    const times = this.#rules.of(entry);
    const tallies = this.#classes.get(times)?.tallies;
    if (tallies === undefined) return;
    const days = (this.#at - Date.parse(entry.time)) / dayMs;
    tallies.entries++;
    if (days < times.minDays) tallies.withinMinimum++;
    if (times.payloadDays !== undefined && days >= times.payloadDays) tallies.payloadsDue++;
    if (isHeld(this.#holds, index)) tallies.held.add(index);
    else if (times.maxDays !== undefined && days >= times.maxDays) tallies.overdue.add(index);
  }

  facts(): RetentionCounts {
    const classes = [...this.#classes].map(([{ minDays, maxDays, payloadDays }, { name, tallies }]) => {
      const { entries, withinMinimum, payloadsDue, held, overdue } = tallies;
      const met = entries - held.counted().count - overdue.counted().count;
      return { name, minDays, maxDays, payloadDays, entries, met, withinMinimum, held: held.counted(), overdue: overdue.counted(), payloadsDue };
    });
    return { at: new Date(this.#at).toISOString(), classes };
  }
}

function empty(): Tallies {
  return { entries: 0, withinMinimum: 0, overdue: new IndexTally(), held: new IndexTally(), payloadsDue: 0 };
}
