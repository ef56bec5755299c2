/** Observe mode: a guard that records what it would refuse, for as long as it takes to learn what its agent needs (docs/spec/05 §7). @module */
import { UsageError } from '../errors/usage-error.ts';
import { CapabilityHandle } from './capability-handle.ts';
import type { Denial, DenialClass } from './denial.ts';
import { mintObserved, type Grant } from './reserve.ts';
import { compileToolPattern, isToolName } from './tool-name.ts';

export type ObserveOptions = {
  /** Milliseconds since 1970. From then on refusals are refusals. */
  readonly until: number;
  /** Tools, by name or pattern, that are never observed. */
  readonly enforce?: readonly string[];
};

export interface ObserveMode {
  /** A grant for a call that was refused; undefined if the refusal stands. */
  grant(call: { readonly handle: CapabilityHandle; readonly tool: string; readonly denial: Denial }): Grant | undefined;
}

/**
 * Refusals that say how much was granted. The others say that there is no right to learn from: a capability that is forged, expired, revoked or
 * somebody else's, or a call that cannot be put on record.
 */
const observable: ReadonlySet<DenialClass> = /* @__PURE__ */ new Set<DenialClass>(['UNKNOWN_TOOL', 'SCOPE_MISMATCH', 'LIMIT', 'APPROVAL']);

/**
 * For the guard's own configuration: no token can switch it on.
 * @throws {@link UsageError} `TALOS_USAGE_OPTIONS` without an end, or with a pattern that is none: it would enforce nothing.
 */
export function observeMode({ until, enforce = [] }: ObserveOptions): ObserveMode {
  if (!Number.isFinite(until)) throw badOptions('observe mode needs an end: until, in milliseconds since 1970');
  const enforced = enforce.map((pattern) => {
    const matches = compileToolPattern(pattern);
    if (matches === undefined) throw badOptions('enforce must be names of tools or patterns');
    return matches;
  });
  return {
    grant({ handle, tool, denial }) {
      const admitted = CapabilityHandle.open(handle);
      if (admitted === undefined || typeof tool !== 'string' || !isToolName(tool) || !observable.has(denial.class) || enforced.some((matches) => matches(tool)))
        return undefined;
      // Negated, so that a clock without a number ends it.
      return admitted.env.now() < until ? mintObserved(admitted, tool) : undefined;
    },
  };
}

function badOptions(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}
