export {
  readBundleSigner,
  signPrekeyBundle,
  verifyPrekeyBundle,
  type BundleCheck,
  type BundleContent,
  type VerifiedBundle,
} from '../identity/prekey-bundle.ts';
export { type RatchetReceipt } from './double-ratchet-decrypt.ts';
export { memoryFence, type RollbackFence } from './fence.ts';
export { decodeFrame, encodeFrame, hashFrame, type Frame, type FrameType } from './frame.ts';
export { acceptSession, type AcceptedSession, type AcceptInput, type OfferedPrekeys } from './accept.ts';
export { initiateSession, type InitiateInput } from './initiate.ts';
export { maxForward, maxFrameBytes, maxOldChains, maxSentMessages, maxSkippedAgeMs, maxSkippedKeys, minDedupeKeys } from './limits.ts';
export { memorySessionStore } from './memory-session-store.ts';
export { decodeOpening, type SessionMode, type SessionOpening } from './opening.ts';
export {
  decodePrekey,
  encodePrekey,
  generateOneTimePair,
  generateReusablePrekeys,
  isPrekeyOver,
  type OwnLastResortPrekey,
  type OwnOneTimePair,
  type OwnPrekey,
  type OwnSignedPrekey,
  type StoredPrekey,
} from './prekeys.ts';
export { decryptMessage, encryptMessage, identifyMessage, type DecryptEnv, type DecryptedFrame, type EncryptedFrame } from './session.ts';
export type { SessionRole, SessionState } from './session-state.ts';
export { decodeSessionState, encodeSessionState, encodeSkippedKey, type StoredSkippedKey } from './session-state-codec.ts';
export type { InboxRow, KeptRow, OpenedMessage, OutboxRow, SessionStore, SessionWrites, StoredSession } from './session-store.ts';
