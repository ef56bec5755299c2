export { admit, type Admission } from './admit.ts';
export type { AdmitContext } from './admit-checks.ts';
export { inProcessAudience } from './audience.ts';
export { attenuateCapability, type AttenuateContext } from './attenuate.ts';
export type { VerifyingPeer } from './parsed-link.ts';
export { capabilityVerifier, type CapabilityVerifier, type VerifierBounds } from './capability-verifier.ts';
export { verifyPresentedCall, type Presented, type PresentedCall, type PresentedContext } from './presented-call.ts';
export { policyCache, type PolicyCache } from './policy-cache.ts';
export { authorize, type CapabilityCall, type Refused } from './authorize.ts';
export { capabilityType, type CapabilityClaims, type HolderJwk, type ToolGrant } from './capability.ts';
export { optional, type Constraint, type ConstraintRules, type ToolArgs } from './constraint.ts';
export { absent } from './constraints/absent.ts';
export { prefix, suffix } from './constraints/affix.ts';
export { any, anyArgs } from './constraints/any.ts';
export { anyOf } from './constraints/any-of.ts';
export { cidr } from './constraints/cidr.ts';
export { digest, type DigestRule } from './constraints/digest.ts';
export { each } from './constraints/each.ts';
export { email, type EmailRule } from './constraints/email.ts';
export { eq } from './constraints/eq.ts';
export { glob } from './constraints/glob.ts';
export { oneOf } from './constraints/in.ts';
export { keys } from './constraints/keys.ts';
export { len, type LenRule } from './constraints/len.ts';
export { noneOf } from './constraints/not-in.ts';
export type { PathStyle } from './constraints/path.ts';
export { range, type RangeRule } from './constraints/range.ts';
export { size } from './constraints/size.ts';
export { subpath, type SubpathRule } from './constraints/subpath.ts';
export { ofType, type TypeName } from './constraints/type.ts';
export { url, type UrlRule } from './constraints/url.ts';
export type {
  ApprovalCode,
  AuditCode,
  DelegationInvalidCode,
  Denial,
  DenialClass,
  DenialCode,
  ExpiredCode,
  LimitCode,
  MissingGrant,
  NoCapabilityCode,
  ReplayCode,
  RevokedCode,
  ScopeMismatchCode,
  SignatureInvalidCode,
  UnknownToolCode,
} from './denial.ts';
export { deny } from './denial.ts';
export { describeDenial } from './describe-denial.ts';
export type { CapabilityHandle } from './capability-handle.ts';
export { inspect, type InspectedLink, type Inspection } from './inspect.ts';
export { issueCapability, toolGrants, type CapabilityRequest, type IssueContext, type LinkRequest } from './issue.ts';
export { didKeys, type HolderKey, type IssuerKeys } from './issuer-keys.ts';
export type { Permit } from './permit.ts';
export {
  invocationType,
  issueInvocation,
  verifyInvocation,
  type Invocation,
  type InvocationClaims,
  type InvocationRequest,
  type VerifiedInvocation,
  type VerifyInvocation,
} from './invocation.ts';
export type { Charge, ChargeRefusal, ChargeRule, LimitRow, LimitStore, Settlement } from './limit-store.ts';
export { applyCharges, applySettlements, type ChargeResult, type LimitHorizon } from './limit-charge.ts';
export { memoryLimitStore } from './memory-limit-store.ts';
export { memoryReplayStore, type ReplayStore, type ReplayVerdict, type SeenProof } from './replay-store.ts';
export { reportCost, reserve, settleGrant, spendGrant, type Grant } from './reserve.ts';
export type { ReportedCost, Reservation, Reservations, ConditionedCall } from './reservation.ts';
export { verificationBudget, type VerificationBudget, type VerificationBudgetOptions } from './verification-budget.ts';
export type { Budget, Cost, Limit, RateLimit } from './limits-claim.ts';
export type { Approve } from './approve-claim.ts';
export { createReservations, type ReservationStores } from './reservations.ts';
export {
  answerApproval,
  approvalType,
  verifyApprovalRequest,
  type AnswerContext,
  type ApprovalAnswer,
  type ApprovalClaims,
  type ApprovalOpening,
  type ApprovalRequestClaims,
} from './approval.ts';
export { ApprovalDesk, type ApprovalDeskOptions, type OpenRequest, type Submitted } from './approval-desk.ts';
export { memoryApprovalStore, type ApprovalStore, type StoredAnswer, type StoredRequest } from './approval-store.ts';
export {
  formatRevocationList,
  parseRevocationList,
  verifyRevocationList,
  type RevocationEntry,
  type RevocationHead,
  type RevocationList,
  type RevocationSegment,
} from './revocation-list.ts';
export { revokeToken } from './revoke-token.ts';
export { memoryRevocationStore, type RevocationAppend, type RevocationStore, type StoredRevocations } from './revocation-store.ts';
export { openRevocations, type RevocationOptions, type Revocations, type RevokeContext } from './revocations.ts';
export type { RevocationTracker, Standing, StandingLink } from './standing.ts';
export type { Weekday, Window, WindowRule } from './windows.ts';
export { digestsBySchema, pinnable, type SchemaTool } from './digests-by-schema.ts';
export { toolDigest, type ToolDefinition } from './tool-digest.ts';
export { isToolName } from './tool-name.ts';
export { toolArgs, type ArgumentsOf, type ToolArgsOf } from './tool-args.ts';
export { observeMode, type ObserveMode, type ObserveOptions } from './observe.ts';
export { recommend, type Recommendation, type RecommendOptions, type RecordedCall } from './recommend.ts';
export { simulate, type Simulation } from './simulate.ts';
