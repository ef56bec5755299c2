export { assembleEvidence, type EvidenceSelection, type LogSelection } from './assemble-evidence.ts';
export type { ProvedEntry } from './check-entries.ts';
export type { ProvedReceipt } from './check-receipts.ts';
export type { Claim, ClaimKind, ClaimStatus, FailureCode, NotCheckedCode, Verdict } from './claim.ts';
export {
  evidenceBounds,
  evidenceFormat,
  type CheckpointEvidence,
  type ConsistencyEvidence,
  type DisclosureEvidence,
  type EntryEvidence,
  type Evidence,
  type ForeignEvidence,
  type HistoryEvidence,
  type LogEvidence,
  type RangeEvidence,
} from './evidence.ts';
export { formatEvidence } from './format-evidence.ts';
export { agentKeysAt, type AgentKeysAt } from './key-epochs.ts';
export { parseEvidence } from './parse-evidence.ts';
export { redactEvidence, type RedactOptions } from './redact-evidence.ts';
export {
  receiptsAtRest,
  receiptsByAge,
  unacknowledgedReceipts,
  type AgedReceipt,
  type FaultCode,
  type IndexedEntry,
  type ReceiptFault,
  type ReceiptsAtRest,
  type RestingReceipt,
  type RestingState,
  type Unacknowledged,
} from './receipts-at-rest.ts';
export { reconcile, type Difference, type ObservedCall, type Reconciliation, type ReconcileCode } from './reconcile.ts';
export type { EvidenceTrust, ForeignClaim, ForeignVerifier, TrustedAgent, TrustedLog } from './trust.ts';
export { usageOf, type ToolUsage, type Usage, type UsageDifference, type UsagePeriod } from './usage.ts';
export {
  answerUsage,
  readUsageAnswer,
  stateUsage,
  verifyUsage,
  type AnswerUsage,
  type StateUsage,
  type UsageAnswer,
  type UsageStatement,
  type UsageWindow,
  type VerifiedUsage,
} from './usage-statement.ts';
export { verifyEvidence, type EvidenceReport, type LogLevel } from './verify-evidence.ts';
