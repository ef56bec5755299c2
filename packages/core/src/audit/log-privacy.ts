/**
 * Erasure and retention of a log. Each is a task that is kept before its first step and done anew until its last: it has happened or it
 * has not, whenever the process dies (docs/spec/10). @module
 */
import type { JsonObject } from '../bytes/json-value.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireObject, requireText } from '../errors/require.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AuditLog } from './audit-log.ts';
import { generateEntryId } from './entry-id.ts';
import { findCounterparties, type Counterparty } from './counterparties.ts';
import { runTask, taskEntryId, taskOf, type LogPrivacyParts } from './erasure-task.ts';
import type { ErasureTask, LegalHold, PrivateStore } from './private-store.ts';
import { makePurgeReport, type PurgeReport } from './purge-report.ts';
import { expiredPayloads, isHeld, planPrune, RetentionRules, type Now, type PrunePlan, type RetentionPolicy } from './retention.ts';
import { requireSubjectName, subjectLog } from './subject-log.ts';

/** Why, and on whose word. Both stand in the log for ever: name an office, not a person. */
export type ErasureOrder = {
  /** A code of your own: 1 to 64 of `a–z 0–9 _ . -`, beginning with a letter: `gdpr-17-1-a`. */
  readonly reason: string;
  /** 1 to 256 characters. */
  readonly authority: string;
};

/** Copies of a store that still hold what was erased. Talos cannot reach them: destroy them. */
export type BackupNotice = { readonly store: 'keys' | 'payloads' | 'entries'; readonly from: number | undefined; readonly until: number };

export type Erasure = {
  /** Of the entry that says so. */
  readonly index: number;
  readonly number: number;
  /** Entries that lost payloads. */
  readonly entries: number;
  /** Who may hold a salt or a payload of them and has to be asked. */
  readonly counterparties: readonly Counterparty[];
  readonly backups: readonly BackupNotice[];
};

export type Retained = { readonly payloads: Erasure | undefined; readonly pruned: Erasure | undefined; readonly plan: PrunePlan };

export type HoldOrder = ErasureOrder & { readonly subject?: string; readonly from?: number; readonly to?: number };

const reasonCode = /^[a-z][a-z0-9_.-]{0,63}$/;
const maxAuthority = 256;
/** Of those that are named in the entry; the result names all. */
const maxHolders = 64;

/**
 * @param parts - an open log and the store under it. What was begun before is completed, and what the log says was erased is erased from a
 * private store that was restored from an older copy.
 */
export async function openLogPrivacy(parts: LogPrivacyParts): Promise<LogPrivacy> {
  await resumeErasures(parts);
  return new LogPrivacy(parts);
}

/** @throws {@link StoreError} `TALOS_STORE_CONFLICT`, retryable, while a reader holds a file in its old state. */
export function resumeErasures(parts: LogPrivacyParts): Promise<void> {
  return parts.store.inTurn(() => resume(parts));
}

async function resume(parts: LogPrivacyParts): Promise<void> {
  const { privateStore } = parts.store;
  const begun = await privateStore.pending();
  if (begun !== undefined) await runTask(parts, begun);
  for (;;) {
    const number = (await privateStore.finished()) + 1;
    const index = await parts.log.find('id', taskEntryId(number));
    if (index === undefined) return;
    const task = taskOf((await parts.log.entry(index)).entry, number);
    await privateStore.begin(task, typeof task.entry['subject'] === 'string' ? task.entry['subject'] : undefined);
    await runTask(parts, task);
  }
}

export class LogPrivacy {
  readonly #parts: LogPrivacyParts;
  readonly #private: PrivateStore;

  constructor(parts: LogPrivacyParts) {
    this.#parts = parts;
    this.#private = parts.store.privateStore;
  }

  /** The log for entries about one person. @throws as `subjectLog`. */
  about(name: string): Pick<AuditLog, 'append'> {
    const { log, env } = this.#parts;
    return subjectLog({ log, env, privateStore: this.#private }, name);
  }

  /**
   * Erases all payloads of one person: destroys their key and name, and what is sealed under it. The entries stay, and verify.
   * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND` if nobody of this name is known (any more), `TALOS_AUDIT_HELD` under a legal hold.
   * @throws {@link StoreError} `TALOS_STORE_CONFLICT`, retryable: the key is gone, a reader keeps traces in a file; done at the next call or start.
   */
  eraseSubject(name: string, order: ErasureOrder): Promise<Erasure> {
    return this.#inTurn(async () => {
      requireSubjectName(name);
      const members = checkOrder(order);
      const subject = await this.#private.findSubject(name);
      if (subject === undefined) throw notFound('nobody of this name is known: never recorded, or erased before');
      const indices = await this.#private.indices({ subject: subject.ref });
      await this.#requireFree(indices, [subject.ref]);
      const task = { type: 'erasure', erased: 'subject', subject: subject.ref, entries: indices.length, ...members };
      return this.#erase(task, { indices, subject: subject.ref, backups: [{ store: 'keys', from: subject.since, until: this.#parts.env.now() }] });
    });
  }

  /** Erases the payloads of one entry, or one field of it. @throws as {@link eraseSubject}. */
  erasePayload({ index, field }: { readonly index: number; readonly field?: string }, order: ErasureOrder): Promise<Erasure> {
    return this.#inTurn(async () => {
      const members = checkOrder(order);
      const stored = (await this.#private.loadOpenings(index)).filter((opening) => field === undefined || opening.field === field);
      if (stored.length === 0) throw notFound(`nothing opens ${field ?? 'any commitment'} of entry ${index}: erased before, or never committed to`);
      await this.#requireFree(
        [index],
        stored.map(({ subject }) => subject),
      );
      const task = { type: 'erasure', erased: 'payload', index, ...(field === undefined ? {} : { field }), entries: 1, ...members };
      const from = Date.parse((await this.#parts.log.entry(index)).entry.time);
      return this.#erase(task, { indices: [index], backups: [{ store: 'payloads', from, until: this.#parts.env.now() }] });
    });
  }

  /**
   * Applies a retention policy as of now: payloads above their age go, then the entries before the first one that has to stay. Hashes,
   * checkpoints and the proofs of all other entries stay.
   * @throws {@link UsageError} on a policy that cannot be; {@link StoreError} `TALOS_STORE_UNSUPPORTED` if entries have to go and the store cannot.
   */
  retain(policy: RetentionPolicy, order: ErasureOrder): Promise<Retained> {
    return this.#inTurn(async () => {
      const rules = new RetentionRules(policy);
      const members = checkOrder(order);
      const { store, log, env } = this.#parts;
      const at: Now = { rules, holds: await this.#private.holds(), now: env.now() };
      const expired = await expiredPayloads(store, at);
      const until = env.now();
      const entry = { type: 'retention', retention: 'payloads', at: at.now, policy: policy as unknown as JsonObject, entries: expired.length, ...members };
      const payloads =
        expired.length === 0 ? undefined : await this.#erase(entry, { indices: expired, backups: [{ store: 'payloads', from: undefined, until }] });
      const from = (await store.upkeep?.pruned()) ?? 0;
      await log.checkpoint();
      const plan = await planPrune(store, { from, end: log.size - 1 }, { ...at, holds: await this.#holdsByIndex(at.holds) });
      if (plan.before === from) return { payloads, pruned: undefined, plan };
      if (store.upkeep === undefined)
        throw new StoreError({ code: 'TALOS_STORE_UNSUPPORTED', message: 'this audit store cannot remove entries: keep the log in SQLite' });
      const prune = {
        type: 'retention',
        retention: 'pruned',
        before: plan.before,
        entries: plan.before - from,
        policy: policy as unknown as JsonObject,
        ...members,
      };
      const pruned = await this.#erase(prune, {
        indices: [],
        backups: ['payloads', 'entries'].map((each) => ({ store: each as 'payloads', from: undefined, until })),
      });
      return { payloads, pruned, plan };
    });
  }

  /** Nothing that it covers is erased or pruned until it is released: one person, entries from–to, or, without either, everything. */
  hold(order: HoldOrder): Promise<LegalHold> {
    return this.#inTurn(async () => {
      const { reason, authority } = checkOrder(order);
      const { subject: name, from, to } = order;
      for (const bound of [from ?? 0, to ?? 0])
        if (!Number.isSafeInteger(bound) || bound < 0) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'from and to are indices of entries' });
      const known = name === undefined ? undefined : await this.#private.findSubject(name);
      if (name !== undefined && known === undefined) throw notFound('nobody of this name is known: never recorded, or erased before');
      const about = { ...(known && { subject: known.ref }), ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
      const hold: LegalHold = { id: generateEntryId(this.#parts.env), reason, authority, ...about };
      // In force before it is said, and said to be released before it is not.
      await this.#private.saveHold(hold);
      await this.#parts.log.append({ type: 'retention', retention: 'hold', id: hold.id, reason, authority, ...about });
      return hold;
    });
  }

  /** @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND`. */
  release(id: string, order: ErasureOrder): Promise<void> {
    return this.#inTurn(async () => {
      const members = checkOrder(order);
      if (!(await this.holds()).some((hold) => hold.id === id)) throw notFound('there is no such legal hold');
      await this.#parts.log.append({ type: 'retention', retention: 'release', hold: id, ...members });
      await this.#private.removeHold(id);
    });
  }

  holds(): Promise<readonly LegalHold[]> {
    return this.#private.holds();
  }

  /** Records that `recipient` gets the openings of these entries, before they get them: an erasure then names them. */
  async disclose(indices: readonly number[], recipient: string): Promise<void> {
    requireText('recipient', recipient);
    await this.#private.saveDisclosures(indices, recipient);
  }

  /** What is gone, from the log's own entries. */
  report(): Promise<PurgeReport> {
    return makePurgeReport(this.#parts.store, this.#private);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#parts.store.inTurn(async () => {
      await resume(this.#parts);
      return work();
    });
  }

  async #erase(
    entry: JsonObject,
    about: { readonly indices: readonly number[]; readonly subject?: string; readonly backups: readonly BackupNotice[] },
  ): Promise<Erasure> {
    const counterparties = await findCounterparties(this.#parts.store, about.indices);
    const holders = counterparties.slice(0, maxHolders).map(({ holder }) => holder);
    const number = (await this.#private.finished()) + 1;
    const task: ErasureTask = { number, entry: { ...entry, ...(holders.length === 0 ? {} : { holders, holders_total: counterparties.length }) } };
    await this.#private.begin(task, about.subject);
    const index = await runTask(this.#parts, task);
    return { index, number, entries: entry['entries'] as number, counterparties, backups: about.backups };
  }

  async #requireFree(indices: readonly number[], subjects: readonly (string | undefined)[]): Promise<void> {
    const holds = await this.#private.holds();
    const index = indices.find((each) => isHeld(holds, each, subjects));
    if (
      index === undefined &&
      !isHeld(
        holds.filter(({ subject }) => subject !== undefined),
        -1,
        subjects,
      )
    )
      return;
    throw new AuditError({ code: 'TALOS_AUDIT_HELD', message: 'a legal hold covers it: nothing was erased; release the hold first' });
  }

  /** Pruning stops at the first entry that is held: that of a person's first payload. */
  async #holdsByIndex(holds: readonly LegalHold[]): Promise<readonly LegalHold[]> {
    const byIndex: LegalHold[] = [];
    for (const hold of holds) {
      const [first] = hold.subject === undefined ? [] : await this.#private.indices({ subject: hold.subject });
      if (hold.subject === undefined) byIndex.push(hold);
      else if (first !== undefined) byIndex.push({ id: hold.id, reason: hold.reason, authority: hold.authority, from: first, to: first + 1 });
    }
    return byIndex;
  }
}

function checkOrder(order: ErasureOrder): { readonly reason: string; readonly authority: string } {
  requireObject('order', order);
  const { reason, authority } = order;
  if (typeof reason !== 'string' || !reasonCode.test(reason))
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'reason is a code of 1 to 64 characters a-z, 0-9, _ . and -, like gdpr-17-1-a' });
  if (typeof authority !== 'string' || authority.length === 0 || authority.length > maxAuthority)
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `authority says on whose word, in 1 to ${maxAuthority} characters` });
  return { reason, authority };
}

function notFound(message: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message });
}
