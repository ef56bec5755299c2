/** The decision about one call: pure, synchronous, total (docs/spec/02 §7). @module */
import type { JsonObject } from '../bytes/json-value.ts';
import { allowsArgs } from './allows-args.ts';
import { grantsFor, type Candidate } from './compile.ts';
import { deny, type Denial, type ReachedCode, type DenialDetails } from './denial.ts';
import { explainGrant } from './explain-grant.ts';
import { CapabilityHandle, type Admitted } from './capability-handle.ts';
import { grantPath, type PathStep } from './grant-path.ts';
import { missingGrant } from './missing-grant.ts';
import { Permit } from './permit.ts';
import { checkTime } from './valid-time.ts';

/**
 * `input`: a deep copy of plain JSON, the value the tool will receive. `toolDigest`: of the tool's definition as it is now (`toolDigest`),
 * for grants that pin it.
 */
export type CapabilityCall = { readonly tool: string; readonly input: JsonObject; readonly toolDigest?: string | undefined };

export type Refused = { readonly denied: Denial };

/**
 * Whether one grant of the capability allows all of this call, now. Grants never combine. Nothing is spent and nothing is kept:
 * the same call is decided anew each time.
 *
 * Whatever goes wrong is a refusal: an argument that is a getter, a Proxy that throws and a clock without a number all deny.
 */
export function authorize(handle: CapabilityHandle, call: CapabilityCall): Permit | Refused {
  const admitted = CapabilityHandle.open(handle);
  if (admitted === undefined) return { denied: deny(handle === undefined || handle === null ? 'CAP_ABSENT' : 'HANDLE_UNKNOWN') };
  const untimely = checkTime(admitted.time, admitted.env);
  if (untimely !== undefined) return refuse(admitted, untimely);
  try {
    return decide(admitted, call);
  } catch {
    return refuse(admitted, 'ARG_VIOLATES');
  }
}

function decide(admitted: Admitted, { tool, input, toolDigest }: CapabilityCall): Permit | Refused {
  if (typeof tool !== 'string') return refuse(admitted, 'TOOL_UNGRANTED');
  if (!isPlainObject(input)) return refuse(admitted, 'ARG_VIOLATES');
  const candidates = grantsFor(admitted.leaf.policy, tool);
  let nearest: Refused | undefined;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate;
    if (!allowsArgs(candidate.grant, input)) continue;
    const refusal = checkTerms(admitted, candidate, toolDigest);
    if (refusal === undefined) return new Permit({ admitted, tool, input, candidate });
    nearest ??= refusal;
  }
  if (nearest !== undefined) return nearest;
  return explain(admitted, candidates, { tool, input });
}

/** The terms of the grant and of every grant above that it was proved to be inside of: the chain is their intersection. */
function checkTerms(admitted: Admitted, candidate: Candidate, toolDigest: string | undefined): Refused | undefined {
  if (admitted.links.length === 1 && candidate.grant.terms === undefined) return undefined;
  const path = grantPath(admitted, candidate);
  for (let link = path.length - 1; link >= 0; link--) {
    const { terms, index } = (path[link] as PathStep).grant;
    const code = terms?.({ leaf: link === path.length - 1, now: admitted.env.now(), toolDigest });
    if (code !== undefined) return refuse(admitted, code, { link, grant: index });
  }
  return undefined;
}

/** A class instance may have accessors on its prototype: what was checked need not be what the tool reads. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The first failing check of the nearest grant: the one with the fewest arguments at fault, the first of equals. */
function explain(admitted: Admitted, candidates: readonly Candidate[], { tool, input }: CapabilityCall): Refused {
  const missing = missingGrant(tool, input);
  const [nearest] = candidates.map(({ grant }) => explainGrant(grant, input)).toSorted((a, b) => a.faults - b.faults || a.details.grant - b.details.grant);
  return refuse(admitted, nearest?.code ?? 'TOOL_UNGRANTED', { ...nearest?.details, ...(missing === undefined ? {} : { missing }) });
}

function refuse(admitted: Admitted, code: ReachedCode, details: DenialDetails = {}): Refused {
  return { denied: deny(code, { cap: admitted.leaf.key, link: admitted.links.length - 1, ...details }) };
}
