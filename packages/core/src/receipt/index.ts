export { countersign, readCountersignature, verifyCountersignature, type Countersignature } from './countersign.ts';
export { receiptPayloadType, type EnvelopeSignature } from './dsse.ts';
export { readOutcome, signOutcome, verifyOutcome, type Outcome, type OutcomeClaims, type OutcomeStatus } from './outcome.ts';
export { joinReceipt, verifyReceipt, type Receipt, type ReceiptState, type VerifiedReceipt } from './receipt.ts';
export { readReceiptEntry, receiptEntry, receiptEntryId, type ReceiptEntryParts, type ReceiptPart } from './receipt-entry.ts';
export { agentKey, oneKey, type PartyKeys, type ReceiptKeys } from './receipt-keys.ts';
export { hashRequest, readRequest, verifyRequest, type Request } from './request.ts';
export { ChunkHash, commitToResult, verifyResult, type ResultOpening } from './result-commitment.ts';
