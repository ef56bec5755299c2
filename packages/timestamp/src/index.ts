export { requestTimestamp, type TimestampRequest } from './request-timestamp.ts';
export { stampCheckpoint, type StampedCheckpoint } from './stamp-checkpoint.ts';
export { timestampVerifier, type TimestampTrust } from './timestamp-verifier.ts';
export type { Timestamp } from './verify-token.ts';
