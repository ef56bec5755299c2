export type {
  AdapterArgs,
  AdapterCall,
  AdapterGuardOptions,
  AdapterHarness,
  AdapterMode,
  AdapterOutcome,
  AdapterRun,
  AdapterTool,
  AdapterToolContext,
  RemoteRun,
} from './adapter-harness.ts';
export { adapterCaseNames, adapterSuite, type AdapterCase } from './adapter-suite.ts';
export { approvalStoreSuite, type ApprovalStoreSource } from './approval-store-suite.ts';
export { auditStoreSuite, type AuditStoreSource } from './audit-store-suite.ts';
export { cosignatureStoreSuite, type CosignatureStoreSource } from './cosignature-store-suite.ts';
export { callStoreSuite, type CallStoreSource } from './call-store-suite.ts';
export type { ConformanceCase, StoreUnderTest } from './conformance.ts';
export { limitStoreSuite, type LimitStoreSource } from './limit-store-suite.ts';
export { privateStoreSuite, type PrivateStoreSource } from './private-store-suite.ts';
export { replayStoreSuite, type ReplayStoreSource } from './replay-store-suite.ts';
export { revocationStoreSuite, type RevocationStoreSource } from './revocation-store-suite.ts';
export { sessionStoreSuite, type SessionStoreSource } from './session-store-suite.ts';
export { transportSuite, type TransportEnds, type TransportSource } from './transport-suite.ts';
