/** Every bench by name. @module */
import type { Bench } from '../measure.ts';
import { auditAppendPostgres } from './audit-append-postgres.ts';
import { auditAppendSqlite64, auditAppendSqlite8 } from './audit-append-sqlite.ts';
import { authorizeCold } from './authorize-cold.ts';
import { authorizeColdDepth3 } from './authorize-cold-depth-3.ts';
import { authorizeFromBytes } from './authorize-from-bytes.ts';
import { authorizeWarm10k } from './authorize-warm-10k.ts';
import { authorizeWarm1mRevoked } from './authorize-warm-1m-revoked.ts';
import { authorizeWarm } from './authorize-warm.ts';
import { ed25519Verify } from './ed25519-verify.ts';
import { erasePerson1000 } from './erase-person-1000.ts';
import { evidenceVerify1000 } from './evidence-verify-1000.ts';
import { guardAdapterBenches } from './guard-adapters.ts';
import { guardCore } from './guard-core.ts';
import { guardDurable64 } from './guard-durable.ts';
import { exportBenches } from './export.ts';
import { importCore } from './import-core.ts';
import { merkleAppend } from './merkle-append.ts';
import { messagesWebsocketDurable } from './messages-websocket-durable.ts';
import { popVerify } from './pop-verify.ts';
import { floorRemoteCall1, floorRemoteCall64 } from './floor-remote-call.ts';
import { remoteCall1, remoteCall64 } from './remote-call.ts';
import { proofInclusionDisk } from './proof-inclusion-disk.ts';
import { proofVerify } from './proof-verify.ts';
import { sessionBenches } from './session.ts';
import { sessionsMemory } from './sessions-memory.ts';
import { sizeGuard } from './size-guard.ts';

export const benches: readonly Bench[] = [
  ed25519Verify,
  authorizeCold,
  authorizeColdDepth3,
  authorizeWarm,
  authorizeWarm10k,
  authorizeWarm1mRevoked,
  authorizeFromBytes,
  popVerify,
  merkleAppend,
  auditAppendSqlite64,
  auditAppendSqlite8,
  auditAppendPostgres,
  proofVerify,
  proofInclusionDisk,
  evidenceVerify1000,
  erasePerson1000,
  ...exportBenches,
  importCore,
  floorRemoteCall1,
  floorRemoteCall64,
  remoteCall1,
  remoteCall64,
  guardCore,
  ...guardAdapterBenches,
  guardDurable64,
  ...sessionBenches,
  messagesWebsocketDurable,
];
export const sizes: readonly { readonly name: string; readonly bytes: () => Promise<number> }[] = [sizeGuard, sessionsMemory];
