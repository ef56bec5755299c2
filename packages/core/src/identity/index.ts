export { formatAgentId, isAgentId, keyThumbprint, parseAgentId, type AgentId } from './agent-id.ts';
export { signAgreementKey, verifyAgreementKey, type AgreementClaim } from './agreement-certificate.ts';
export { generateIdentitySecrets, restoreIdentity, rotateIdentitySecrets, type Identity } from './identity.ts';
export { decodeIdentitySecrets, encodeIdentitySecrets, type IdentitySecrets } from './identity-secrets.ts';
export { hashKeyEvent, keyCommitment, type KeyEvent, type KeyEventType, type SignedKeyEvent } from './key-event.ts';
export {
  createKeyHistory,
  reconcileKeyHistories,
  revokeKeyHistory,
  rotateKeyHistory,
  verifyKeyHistory,
  type KeyHistory,
  type KeyState,
  type RotateInput,
} from './key-history.ts';
export type { KeyStore } from './key-store.ts';
export { memoryKeyStore } from './memory-key-store.ts';
export { generateSigner, localSigner, verifySignature, type SignatureClaim, type Signer } from './signer.ts';
