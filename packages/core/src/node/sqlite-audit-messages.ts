/** What the audit store's two halves say to each other across the thread. @module */
import type { StoredCheckpoint } from '../audit/audit-store.ts';
import type { StoredCosignature } from '../audit/cosignature-store.ts';
import type { LookupKey, LookupKind } from '../audit/entry.ts';

export type DatabaseOptions = {
  readonly path: string;
  /** Largest size of the database file. Undefined: the disk decides. */
  readonly maxBytes: number | undefined;
  /** Read the log as it stands now, beside whoever writes it. */
  readonly snapshot?: true;
};

/** Where the hash of a tree node stands: 32 bytes at `offset` of the row's hashes. */
export type NodePlace = { readonly row: number; readonly offset: number };

export type AuditRead =
  | { readonly op: 'loadHead' }
  | { readonly op: 'loadRows'; readonly start: number; readonly end: number }
  | { readonly op: 'loadNodes'; readonly places: readonly NodePlace[] }
  | { readonly op: 'find'; readonly kind: LookupKind; readonly key: string }
  | { readonly op: 'findEach'; readonly keys: readonly LookupKey[] }
  | { readonly op: 'loadOpenings'; readonly index: number }
  | { readonly op: 'loadCheckpoint'; readonly size: number | undefined }
  | { readonly op: 'loadCheckpoints'; readonly from: number; readonly limit: number }
  | { readonly op: 'loadCosignatures'; readonly from: number; readonly limit: number };

/** Upkeep counts as writing: it makes its table where there is none. */
export type AuditWrite =
  /** `batch` as `encodeBatch` packs it; transferred, not copied. */
  | { readonly op: 'append'; readonly batch: ArrayBuffer }
  | { readonly op: 'saveCheckpoint'; readonly checkpoint: StoredCheckpoint }
  | { readonly op: 'saveCosignature'; readonly cosignature: StoredCosignature }
  | { readonly op: 'pruned' }
  | { readonly op: 'prune'; readonly before: number }
  | { readonly op: 'findAll'; readonly kind: LookupKind; readonly key: string; readonly limit: number };

export type CloseRequest = { readonly op: 'close' };

/** A snapshot answers reads only. */
export type AuditRequest = AuditRead | AuditWrite | CloseRequest;
