/** A log of some entries in memory. @module */
import { systemEnv } from '@talosprotocol/core';
import { memoryAuditStore, openAuditLog, type AuditLog } from '@talosprotocol/core/audit';
import { generateSigner } from '@talosprotocol/core/identity';
import type { LogKeys } from '../src/index.ts';

export const signer = generateSigner(systemEnv);

/** A new log of its own, all under one key: what tells them apart is their origin. */
export async function logOf(entries: number, origin = 'acme.example/log'): Promise<{ readonly log: AuditLog; readonly keys: LogKeys }> {
  const log = await openAuditLog({ store: memoryAuditStore(), origin, signer, env: systemEnv });
  while (log.size < entries) await log.append({ type: 'config' });
  return { log, keys: { verifierKey: log.verifierKey, signer } };
}

export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'no error';
  } catch (error) {
    return String((error as { readonly code?: unknown }).code ?? error);
  }
}
