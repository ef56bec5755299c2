/** The log of a home for reading: proofs, exports and `fsck` while an agent runs in another process. @module */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { AuditReader } from '../audit/audit-store.ts';
import type { CosignatureStore } from '../audit/cosignature-store.ts';
import { readWithPrivate } from '../audit/private-audit-store.ts';
import { readAuditLog, type ProvingLog } from '../audit/log-reader.ts';
import { formatVerifierKey, makeVerifierKey } from '../audit/verifier-key.ts';
import { loadLogSigner, logOrigin } from '../client/home.ts';
import { systemEnv } from '../env/env.ts';
import { AuditError } from '../errors/audit-error.ts';
import { StoreError } from '../errors/store-error.ts';
import type { KeyStore } from '../identity/key-store.ts';
import { homeParts, privateFiles, type NodeHomeOptions } from './node-home.ts';
import { openSqliteAuditSnapshot } from './sqlite-audit-store.ts';
import { openSqlitePrivateReader } from './sqlite-private-store.ts';

export type HomeLogReader = {
  /** Up to its newest checkpoint. */
  readonly log: ProvingLog;
  /** All that was durable when it was opened, for `fsck(storeSource(store), …)` and `exportTiles`. */
  readonly store: AuditReader;
  close(): Promise<void>;
};

/**
 * Opens the log of a home as it stands now. Nothing is written or signed, and whoever has the home open is not held up.
 * @param options - as for `nodeHome`; with `verifierKey`, the log's key as the reader trusts it, no key file is read and no passphrase needed.
 * @throws {@link StoreError}; {@link AuditError} `TALOS_AUDIT_NOT_FOUND` if there is no log or nothing was signed, `TALOS_AUDIT_BAD_NOTE` if it is of
 * another key, `TALOS_AUDIT_DIVERGED`.
 */
export async function readHomeLog(options: NodeHomeOptions & { readonly verifierKey?: string } = {}): Promise<HomeLogReader> {
  const { dir, keys } = homeParts(options);
  const verifierKey = options.verifierKey ?? (await ownVerifierKey(keys));
  const { store, cosignatures } = await openStores(dir, keys);
  try {
    return { log: await readAuditLog({ store, verifierKey, cosignatures }), store, close: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}

type Stores = { readonly store: AuditReader; readonly cosignatures: Pick<CosignatureStore, 'loadCosignatures'> };

async function openStores(dir: string, keys: KeyStore): Promise<Stores> {
  const entries = await openSqliteAuditSnapshot({ path: path.join(dir, 'audit.db') });
  const files = privateFiles(dir);
  // A copy of the entries alone is a log like any other: nothing in it can be opened.
  if (!existsSync(files.path)) return { store: entries, cosignatures: entries };
  try {
    const openings = await openSqlitePrivateReader({ ...files, subjectKey: () => subjectKeyOf(keys) });
    return { store: readWithPrivate(entries, openings), cosignatures: entries };
  } catch (error) {
    await entries.close();
    throw error;
  }
}

/** Asked for when a payload about a person is opened, and not before: whoever only verifies needs no passphrase. */
async function subjectKeyOf(keys: KeyStore): Promise<Uint8Array> {
  const kept = await keys.load('subjects');
  if (kept !== undefined) return kept;
  throw new StoreError({ code: 'TALOS_STORE_READ_FAILED', message: 'the key that opens payloads about persons is not in this home: open it once as a client' });
}

/** The home's own. It is not drawn here: a reader makes no keys. */
async function ownVerifierKey(keys: KeyStore): Promise<string> {
  const kept = await keys.load('log');
  if (kept === undefined) throw new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message: 'this home has no log yet: pass the dir of one, or its verifierKey' });
  kept.fill(0);
  const signer = await loadLogSigner(keys, systemEnv);
  return formatVerifierKey(makeVerifierKey(logOrigin(signer), signer.publicKey));
}
