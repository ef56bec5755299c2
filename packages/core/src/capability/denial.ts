/**
 * Why a call was refused. A refusal is a value, not an error; its codes are stable and closed, its English is neither.
 * `docs/errors.md` is generated from the comments here. A code comes in with the check that reaches it.
 * @module
 */
import type { ToolArgs } from './constraint.ts';

/** Nothing was presented that could be checked. */
export type NoCapabilityCode =
  /** The call came without a capability. */
  | 'CAP_ABSENT'
  /** The handle or permit was not made by this process, was copied, or was used before. */
  | 'HANDLE_UNKNOWN';

/** The token is not one that this verifier reads, or not signed by an issuer it trusts. */
export type SignatureInvalidCode =
  /** Not a capability token of version 1: its encoding, a claim, a grant member or a value is not what the format says. */
  | 'MALFORMED'
  /** The token, its number of grants or its number of constraints is above the bound. */
  | 'TOO_LARGE'
  /** The header names a signature algorithm other than Ed25519. */
  | 'ALG_REFUSED'
  /** The signature does not verify under the issuer's key. */
  | 'SIG_BAD'
  /** The issuer is not one that this verifier trusts: add it to `trust.issuers`. */
  | 'ISSUER_UNTRUSTED'
  /** `kid` names no known key of the issuer. */
  | 'KEY_UNRESOLVED';

/** The capability does not hold at this time. */
export type ExpiredCode =
  /** `exp` has passed. */
  | 'EXPIRED'
  /** `nbf` or `iat` is in the future. */
  | 'NOT_YET'
  /** The clock gives no number, or went back further than the allowed skew. */
  | 'CLOCK_UNSAFE'
  /** Outside the time windows of a grant. */
  | 'WINDOW_CLOSED';

/** The capability was taken back, or nobody can say that it was not. */
export type RevokedCode =
  /** The capability, its holder's key, its task or its subject was revoked. */
  | 'REVOKED'
  /** The root issuer has moved to a later epoch: all that it issued before is void. */
  | 'EPOCH_OLD'
  /** A link above this one was revoked. */
  | 'ANCESTOR_REVOKED'
  /** The issuer's revocation state is older than the token's `max_stale` allows. */
  | 'REVOCATION_STALE';

/** The chain of delegation does not hold. */
export type DelegationInvalidCode =
  /** The links do not hang together: one is missing, or is not the one that another was made from. */
  | 'LINK_BROKEN'
  /** More links than the root or this verifier allows. */
  | 'DEPTH_EXCEEDED'
  /** A link that is not provably narrower than the one above it. */
  | 'WIDENED'
  /** The subject differs within the chain. */
  | 'SUBJECT_CHANGED'
  /** The grant is there to be passed on, not to be used. */
  | 'MODE_NOT_EXECUTE';

/** The capability does not speak of this tool, or not in this place. */
export type UnknownToolCode =
  /** No grant names this tool. */
  | 'TOOL_UNGRANTED'
  /** The tool's definition is not the one that was granted, or nobody said which one it is. */
  | 'TOOL_CHANGED'
  /** The token is meant for another audience. */
  | 'AUD_MISMATCH';

/** The tool is granted, this call is not. */
export type ScopeMismatchCode =
  /** The grant requires an argument that the call does not have. */
  | 'ARG_MISSING'
  /** The call has an argument that the grant does not name. */
  | 'ARG_UNLISTED'
  /** The value of an argument does not satisfy its constraint, or is not plain JSON. */
  | 'ARG_VIOLATES'
  /** A grant uses a constraint that this version does not know. */
  | 'CONSTRAINT_UNKNOWN';

/** Who presents the capability is not shown to be its holder. */
export type ReplayCode =
  /** The call came without a proof of possession. */
  | 'POP_ABSENT'
  /** The capability belongs to another holder key, or the proof is not one of this key for this call. */
  | 'POP_BAD'
  /** The proof is outside its time window, or older than this verifier's memory of proofs. */
  | 'POP_WINDOW'
  /** The proof was used before. */
  | 'POP_REPLAYED';

/** A limit is used up. */
export type LimitCode =
  /** Too many calls, or too many proofs to check, in the time; retry later. */
  | 'RATE'
  /** The number of calls is used up. */
  | 'COUNT_SPENT'
  /** The budget is used up, or what is left does not cover this call. */
  | 'BUDGET_SPENT'
  /** Too many calls at once; retry later. */
  | 'CONCURRENCY'
  /** The state of the limits is missing, unreadable, or younger than the capability. */
  | 'LIMIT_STATE_LOST';

/** A person has to agree. */
export type ApprovalCode =
  /** This call needs an approval: `request` is what to ask for. */
  | 'APPROVAL_REQUIRED'
  /** The approval was refused. */
  | 'APPROVAL_DENIED'
  /** The approval is for another call, or by a key that may not give it. */
  | 'APPROVAL_MISMATCH';

/** The call could not be put on record. */
export type AuditCode =
  /** The audit log did not take the request; a call without a record is not run. Retry later. */
  'LOG_UNAVAILABLE';

/** One entry per class: the one place that joins a code to its class. */
type CodesByClass = {
  NO_CAPABILITY: NoCapabilityCode;
  SIGNATURE_INVALID: SignatureInvalidCode;
  EXPIRED: ExpiredCode;
  REVOKED: RevokedCode;
  DELEGATION_INVALID: DelegationInvalidCode;
  UNKNOWN_TOOL: UnknownToolCode;
  SCOPE_MISMATCH: ScopeMismatchCode;
  REPLAY: ReplayCode;
  LIMIT: LimitCode;
  APPROVAL: ApprovalCode;
  AUDIT: AuditCode;
};

export type DenialClass = keyof CodesByClass;
export type DenialCode = CodesByClass[DenialClass];

/** The smallest grant that would have allowed the refused call: exact values, ready for `authorization_details`. */
export type MissingGrant = { readonly type: 'talos_tool'; readonly tools: readonly string[]; readonly args: ToolArgs };

/** For the developer and the log. `arg` and `constraint` speak of the grant: show a model `describeDenial` instead. */
export type Denial = {
  readonly code: DenialCode;
  readonly class: DenialClass;
  /** SHA-256 of the token, base64url; absent while nothing about the token was verified. */
  readonly cap?: string;
  /** Which link of the chain refused, counted from the root. */
  readonly link?: number;
  /** Index of the nearest grant in `authorization_details`. */
  readonly grant?: number;
  /** Name of the argument at fault. */
  readonly arg?: string;
  /** Kind of the constraint at fault, or the member of the token that is malformed. */
  readonly constraint?: string;
  readonly missing?: MissingGrant;
  /** Seconds. */
  readonly retryAfter?: number;
  /** Signed request for an approval, a compact JWS. For the approver. */
  readonly request?: string;
};

export type DenialDetails = Omit<Denial, 'code' | 'class'>;

/** The codes by class; one that does not stand here cannot be denied with. */
const reached = {
  NO_CAPABILITY: ['CAP_ABSENT', 'HANDLE_UNKNOWN'],
  SIGNATURE_INVALID: ['MALFORMED', 'TOO_LARGE', 'ALG_REFUSED', 'SIG_BAD', 'ISSUER_UNTRUSTED', 'KEY_UNRESOLVED'],
  EXPIRED: ['EXPIRED', 'NOT_YET', 'CLOCK_UNSAFE', 'WINDOW_CLOSED'],
  REVOKED: ['REVOCATION_STALE', 'REVOKED', 'EPOCH_OLD', 'ANCESTOR_REVOKED'],
  DELEGATION_INVALID: ['LINK_BROKEN', 'DEPTH_EXCEEDED', 'WIDENED', 'SUBJECT_CHANGED', 'MODE_NOT_EXECUTE'],
  UNKNOWN_TOOL: ['TOOL_UNGRANTED', 'TOOL_CHANGED', 'AUD_MISMATCH'],
  SCOPE_MISMATCH: ['ARG_MISSING', 'ARG_UNLISTED', 'ARG_VIOLATES', 'CONSTRAINT_UNKNOWN'],
  REPLAY: ['POP_ABSENT', 'POP_BAD', 'POP_WINDOW', 'POP_REPLAYED'],
  LIMIT: ['RATE', 'COUNT_SPENT', 'BUDGET_SPENT', 'CONCURRENCY', 'LIMIT_STATE_LOST'],
  APPROVAL: ['APPROVAL_REQUIRED', 'APPROVAL_DENIED', 'APPROVAL_MISMATCH'],
  AUDIT: ['LOG_UNAVAILABLE'],
} as const satisfies { readonly [Class in DenialClass]: readonly CodesByClass[Class][] };

export type ReachedCode = (typeof reached)[DenialClass][number];

const classes: ReadonlyMap<string, string> = /* @__PURE__ */ new Map(
  Object.entries(reached).flatMap(([name, codes]) => codes.map((code) => [code, name] as const)),
);

/** A denial with the class that belongs to its code. */
export function deny(code: ReachedCode, details: DenialDetails = {}): Denial {
  return { code, class: classes.get(code) as DenialClass, ...details };
}
