export { assembleEvidence, type EvidenceSelection, type LogSelection } from './assemble-evidence.ts';
export type { ProvedEntry } from './check-entries.ts';
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
export { parseEvidence } from './parse-evidence.ts';
export type { EvidenceTrust, ForeignClaim, ForeignVerifier, TrustedAgent, TrustedLog } from './trust.ts';
export { verifyEvidence, type EvidenceReport, type LogLevel } from './verify-evidence.ts';
