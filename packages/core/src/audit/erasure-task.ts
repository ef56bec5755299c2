/** The steps of one erasure, each of which may be done twice. The entry of the task says everything that has to be done. @module */
import type { JsonObject } from '../bytes/json-value.ts';
import type { Env } from '../env/env.ts';
import { AuditError } from '../errors/audit-error.ts';
import { StoreError } from '../errors/store-error.ts';
import type { AuditLog } from './audit-log.ts';
import type { Entry } from './entry.ts';
import type { PrivateAuditStore } from './private-audit-store.ts';
import type { ErasedOpenings, ErasureTask } from './private-store.ts';
import type { EntryInput } from './recorder.ts';
import { expiredPayloads, RetentionRules, type RetentionPolicy } from './retention.ts';

/** An open log and the store under it. */
export type LogPrivacyParts = { readonly log: AuditLog; readonly store: PrivateAuditStore; readonly env: Env };

/** Openings that are deleted by one call. */
const indicesPerPass = 65_536;

/** By number, so that a start finds what a restored copy of the private store does not know of. */
export function taskEntryId(number: number): string {
  return `erasure:${number}`;
}

/** The task that an entry of the log tells of. @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY` if it tells of none. */
export function taskOf(entry: Entry, number: number): ErasureTask {
  const { type, v: _v, id: _id, time: _time, recorder: _recorder, recorder_seq: _seq, recorder_prev: _prev, ...members } = entry;
  if (type !== 'erasure' && type !== 'retention')
    throw new AuditError({
      code: 'TALOS_AUDIT_BAD_ENTRY',
      message: `an entry that is no erasure has the id ${taskEntryId(number)}: these ids are the log's own`,
    });
  return { number, entry: { type, ...members } as JsonObject };
}

/** Does what was begun. Returns the index of its entry. */
export async function runTask(parts: LogPrivacyParts, { number, entry }: ErasureTask): Promise<number> {
  const { log, store } = parts;
  const isPrune = entry['retention'] === 'pruned';
  if (!isPrune) await erasePayloads(parts, entry);
  const id = taskEntryId(number);
  const index = (await log.find('id', id)) ?? (await log.append({ ...entry, id } as unknown as EntryInput)).index;
  if (isPrune) {
    // Said and signed before it happens: entries without bytes that no entry speaks of are missing entries.
    await log.checkpoint();
    await prune(parts, entry['before'] as number);
  }
  await store.privateStore.finish(number);
  return index;
}

async function erasePayloads({ store }: LogPrivacyParts, entry: JsonObject): Promise<void> {
  const { privateStore } = store;
  if (entry['type'] === 'erasure') {
    await privateStore.erase(targetOf(entry));
    return;
  }
  const rules = new RetentionRules(entry['policy'] as unknown as RetentionPolicy);
  const indices = await expiredPayloads(store, { rules, holds: await privateStore.holds(), now: entry['at'] as number });
  await privateStore.erase({ indices });
}

function targetOf({ subject, index, field }: JsonObject): ErasedOpenings {
  if (typeof subject === 'string') return { subject };
  return { indices: [index as number], field: field as string | undefined };
}

async function prune({ store }: LogPrivacyParts, before: number): Promise<void> {
  if (store.upkeep === undefined) throw new StoreError({ code: 'TALOS_STORE_UNSUPPORTED', message: 'this audit store cannot remove entries' });
  await store.upkeep.prune(before);
  const openings = await store.privateStore.indices({ from: 0, limit: indicesPerPass });
  const indices = openings.filter((index) => index < before);
  if (indices.length > 0) await store.privateStore.erase({ indices });
  if (indices.length === indicesPerPass) await prune({ store } as LogPrivacyParts, before);
}
