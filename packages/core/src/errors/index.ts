export { AuditError } from './audit-error.ts';
export { CapabilityError } from './capability-error.ts';
export type {
  AuditErrorCode,
  CapabilityErrorCode,
  CryptoErrorCode,
  DeniedErrorCode,
  EncodingErrorCode,
  ErrorCode,
  EvidenceErrorCode,
  IdentityErrorCode,
  ReceiptErrorCode,
  RemoteErrorCode,
  SessionErrorCode,
  StoreErrorCode,
  TransportErrorCode,
  UsageErrorCode,
} from './codes.ts';
export { CryptoError } from './crypto-error.ts';
export { TalosDeniedError } from './denied-error.ts';
export { EncodingError } from './encoding-error.ts';
export { EvidenceError } from './evidence-error.ts';
export { IdentityError } from './identity-error.ts';
export { ReceiptError } from './receipt-error.ts';
export { RemoteError } from './remote-error.ts';
export { SessionError } from './session-error.ts';
export { StoreError } from './store-error.ts';
export { TalosError, type TalosErrorOptions } from './talos-error.ts';
export { TransportError } from './transport-error.ts';
export { UsageError } from './usage-error.ts';
