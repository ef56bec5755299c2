/** Which decisions would change: two sets of grants over recorded calls (docs/spec/05 §7). Pure. @module */
import { CapabilityError } from '../errors/capability-error.ts';
import { allowsArgs } from './allows-args.ts';
import type { ToolGrant } from './capability.ts';
import { grantsFor, type Policy } from './compile.ts';
import type { RecordedCall } from './recommend.ts';
import { compileAllGrants } from './vocabulary.ts';
import type { JsonValue } from '../bytes/json-value.ts';

export type Simulation = {
  readonly calls: number;
  /** Refused before, allowed after. */
  readonly gained: readonly RecordedCall[];
  /** Allowed before, refused after. */
  readonly lost: readonly RecordedCall[];
  readonly allowedBefore: number;
  readonly allowedAfter: number;
};

/**
 * Tools and arguments only: limits, approvals and times depend on more than one call.
 * @throws {@link CapabilityError} `TALOS_CAPABILITY_INVALID_GRANT` if grants are none.
 */
export function simulate(before: readonly ToolGrant[], after: readonly ToolGrant[], calls: readonly RecordedCall[]): Simulation {
  const [old, next] = [compile(before), compile(after)];
  const decided = calls.map((call) => ({ call, was: allows(old, call), is: allows(next, call) }));
  return {
    calls: calls.length,
    gained: decided.filter(({ was, is }) => is && !was).map(({ call }) => call),
    lost: decided.filter(({ was, is }) => was && !is).map(({ call }) => call),
    allowedBefore: decided.filter(({ was }) => was).length,
    allowedAfter: decided.filter(({ is }) => is).length,
  };
}

function compile(grants: readonly ToolGrant[]): Policy {
  try {
    return compileAllGrants(grants as unknown as readonly JsonValue[]);
  } catch {
    throw new CapabilityError({ code: 'TALOS_CAPABILITY_INVALID_GRANT', message: 'these are no grants of a capability: see docs/spec/02 §4' });
  }
}

function allows(policy: Policy, { tool, input }: RecordedCall): boolean {
  return grantsFor(policy, tool).some(({ grant }) => allowsArgs(grant, input));
}
