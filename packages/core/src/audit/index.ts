export type { AppendedEntry } from './append-queue.ts';
export { openAuditLog, type AuditLog, type AuditLogOptions, type Recovery, type StoredEntry } from './audit-log.ts';
export type { AuditBatch, AuditReader, AuditRow, AuditStore, NewAuditRow, StoredCheckpoint, StoreUpkeep } from './audit-store.ts';
export { openAuditWriter, type AuditWriter, type AuditWriterOptions } from './audit-writer.ts';
export type { CheckpointInterval } from './checkpoint-interval.ts';
export { formatCheckpoint, parseCheckpoint, signCheckpoint, verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
export { commitTo, payloadBytes, verifyCommitment, type Opening } from './commitment.ts';
export type { Counterparty } from './counterparties.ts';
export { consistencyRoot, verifyConsistency, type ConsistencyClaim } from './consistency.ts';
export { formatProof, parseProof, verifyEntryProof, type EntryProof, type VerifiedEntry } from './entry-proof.ts';
export { lookupKeys, parseEntry, type Entry, type EntryType, type LookupKey, type LookupKind } from './entry.ts';
export { acceptFork, type AcceptedFork, type AcceptForkOptions } from './fork.ts';
export type { LogPrivacyParts } from './erasure-task.ts';
export { fsck, type FsckOptions } from './fsck.ts';
export type { CoverageCode, FsckFinding, FsckReport, IntegrityCode } from './fsck-finding.ts';
export { storeSource, type FsckRow, type FsckSource } from './fsck-source.ts';
export {
  cosignCheckpoint,
  formatCosignerKey,
  makeCosignerKey,
  parseCosignerKey,
  verifyCosignatures,
  type Cosignature,
  type CosignatureOptions,
  type CosignerKey,
} from './cosignature.ts';
export { memoryCosignatureStore, type CosignatureStore, type StoredCosignature } from './cosignature-store.ts';
export { formatEquivocation, parseEquivocation, verifyEquivocation, type Equivocation, type ProvenEquivocation } from './equivocation.ts';
export { inclusionRoot, verifyInclusion, type InclusionClaim } from './inclusion.ts';
export { readAuditLog, type ProvingLog } from './log-reader.ts';
export { epochKey, firstEpochKey } from './origin-epoch.ts';
export {
  LogPrivacy,
  openLogPrivacy,
  resumeErasures,
  type BackupNotice,
  type Erasure,
  type ErasureOrder,
  type HoldOrder,
  type Retained,
} from './log-privacy.ts';
export { memoryAuditStore } from './memory-audit-store.ts';
export { memoryPrivateStore } from './memory-private-store.ts';
export { readWithPrivate, withPrivateStore, type PrivateAuditStore } from './private-audit-store.ts';
export type {
  ErasedOpenings,
  ErasureTask,
  LegalHold,
  OpeningsOfEntry,
  PrivateReader,
  PrivateStore,
  StoredOpening,
  Subject,
  SubjectKey,
} from './private-store.ts';
export type { PurgeReport, Purged } from './purge-report.ts';
export type { ConsistencyProof } from './prove.ts';
export { verifyRange, type RangeProof, type VerifiedRange } from './range.ts';
export { formatRangeProof, parseRangeProof } from './range-file.ts';
export type { RecorderRun, SequenceCode, SequenceFinding } from './recorder-run.ts';
export type { CommitInput, EntryInput } from './recorder.ts';
export type { PrunePlan, RetentionClass, RetentionPolicy, RetentionTimes } from './retention.ts';
export { memorySignedHeads, type HeadChange, type SignedHeads } from './signed-heads.ts';
export { formatNote, parseNote, signNote, verifyNote, type NoteSignature, type SignedNote } from './signed-note.ts';
export type { SignedLog } from './signed-leaves.ts';
export type { PreviousRecorder } from './start-entry.ts';
export { decodeEntryBundle, decodeTile, encodeEntryBundle, encodeTile, formatTilePath, parseTilePath, tilesOf, type Tile } from './tile.ts';
export { subjectLog, type SubjectLogParts } from './subject-log.ts';
export { formatTlogProof, parseTlogProof } from './tlog-proof.ts';
export { isQuorum, parseTlogPolicy, type PolicyGroup, type PolicyLog, type PolicyWitness, type TlogPolicy } from './tlog-policy.ts';
export { CompactRange, emptyRoot, hashChildren, hashLeaf, nodePlace, type TreeHead, type TreeNode } from './tree-hash.ts';
export { formatVerifierKey, makeVerifierKey, parseVerifierKey, type VerifierKey } from './verifier-key.ts';
export { measureUnwitnessed, type MeasureUnwitnessedOptions, type Unwitnessed, type UnwitnessedSpan } from './unwitnessed.ts';
export { verifyWitnessed, type VerifyWitnessedOptions, type WitnessedBy, type WitnessedCheckpoint } from './verify-witnessed.ts';
export { formatWitnessRequest, hashOrigin, maxWitnessRequestBytes, parseWitnessRequest, type WitnessRequest } from './witness-request.ts';
export type { Witness, WitnessAnswer } from './witness.ts';
export type { WitnessState } from './witnessing.ts';
export { memoryKnownHeads, type KnownHeadChange, type KnownHeads } from './known-heads.ts';
export { seeCheckpoint, type PrefixProof, type SeeCheckpointOptions, type SeenCheckpoint } from './see-checkpoint.ts';
