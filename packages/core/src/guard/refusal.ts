/** A refusal, as the model, the developer and the framework see it. @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import type { Denial, DenialCode, MissingGrant } from '../capability/denial.ts';
import { describeDenial } from '../capability/describe-denial.ts';
import { TalosDeniedError } from '../errors/denied-error.ts';

/** The structured tool result that a model gets in place of the tool's own. */
export type Refusal = {
  readonly denied: true;
  readonly code: DenialCode;
  /** One short sentence, never policy text: that would teach an attacker. */
  readonly message: string;
  readonly retryable: boolean;
  /** The smallest grant that would have allowed this call, from the call's own values. */
  readonly missing?: MissingGrant;
  /** Seconds to wait, where waiting helps. */
  readonly retryAfter?: number;
};

/** Waiting may help: a window, a rate or a store that comes back. */
const retryable: ReadonlySet<DenialCode> = /* @__PURE__ */ new Set<DenialCode>(['LOG_UNAVAILABLE', 'NOT_YET', 'RATE', 'CONCURRENCY']);

export function refusalOf(denial: Denial): Refusal {
  const { code, missing, retryAfter } = denial;
  const base = { denied: true, code, message: describeDenial(denial), retryable: retryable.has(code) } as const;
  return { ...base, ...(missing && { missing }), ...(retryAfter !== undefined && { retryAfter }) };
}

/**
 * For frameworks that stop a tool by an exception only. The message is the refusal as JSON, since the message is what the model sees;
 * `missing` stays out of it: errors are logged, and it repeats the call's arguments.
 */
export function deniedError(refusal: Refusal, entryId?: string): TalosDeniedError {
  const { missing: _, ...shown } = refusal;
  return new TalosDeniedError({ denialCode: refusal.code, message: canonicalJson(shown as JsonValue), entryId, retryable: refusal.retryable });
}
