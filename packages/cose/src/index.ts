export { signConsistencyReceipt, verifyConsistencyReceipt, type ConsistencyReceiptClaim, type VerifiedConsistency } from './consistency-receipt.ts';
export { signInclusionReceipt, verifyInclusionReceipt, type InclusionReceiptClaim, type VerifiedInclusion } from './inclusion-receipt.ts';
export type { LogKeys } from './receipt.ts';
