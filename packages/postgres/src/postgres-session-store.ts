/** The session store on PostgreSQL: any number of processes at once, and what is secret is sealed before it leaves this one. @module */
import { StoreError } from '@talosprotocol/core/errors';
import type { AgentId } from '@talosprotocol/core/identity';
import { sealedSessionStore } from '@talosprotocol/core/node';
import { minDedupeKeys, type SessionStore, type SessionWrites, type StoredPrekey, type StoredSession } from '@talosprotocol/core/session';
import type { PostgresState, Run } from './postgres-state.ts';
import { decodeInbox, decodeKept, decodeOutbox, decodePrekeys, decodeSession } from './session-rows.ts';
import { sessionSql } from './session-sql.ts';
import { decodeStateBytes, decodeStateCount, decodeStateText, textBytes, wholeMs } from './state-values.ts';

/** Also what a store of the next version has: `SessionStore` and this. */
export type PostgresSessionStore = SessionStore & {
  /** Removes kept rows of any peer whose `keptAt` is earlier. */
  removeKeptBefore(keptAt: number): Promise<void>;
};

/** Opened messages of a session between two sweeps of its oldest dedupe keys: more may stay than must. */
const sweepEvery = 256;

/**
 * The sessions of one agent.
 * @param options.key - 32 bytes: seals states, skipped keys, prekeys and contents. Copied.
 */
export function postgresSessionStore(state: PostgresState, options: { readonly agent: AgentId; readonly key: Uint8Array }): PostgresSessionStore {
  return sealedSessionStore({ store: new SessionTables(state, options.agent).store(), ...options }) as PostgresSessionStore;
}

type Commit = { readonly sessionId: string; readonly expectedVersion: number; readonly writes: SessionWrites };
/** `seq`: the session's own number. `place`: the commit's, larger than those of earlier ones. */
type Place = { readonly run: Run; readonly seq: number; readonly place: number };

class SessionTables {
  readonly #state: PostgresState;
  readonly #sql: ReturnType<typeof sessionSql>;
  readonly #agent: Buffer;
  /** Opened messages since the last sweep, by session. Lost with the process, which only puts a sweep off. */
  readonly #unswept = new Map<number, number>();

  constructor(state: PostgresState, agent: AgentId) {
    this.#state = state;
    this.#sql = sessionSql(state.sql.schema);
    this.#agent = textBytes(agent);
  }

  store(): PostgresSessionStore {
    const read = this.#state.read.bind(this.#state);
    const agent = this.#agent;
    const sql = this.#sql;
    return {
      load: (sessionId) => this.#load(sessionId),
      sessionsWith: async (peer) => (await read({ text: sql.sessionsWith, values: [agent, textBytes(peer)] })).map(({ id }) => decodeStateText(id)),
      commit: (sessionId, expectedVersion, writes) => this.#commit({ sessionId, expectedVersion, writes }),
      opened: async (sessionId, name) => {
        const [row] = await read({ text: sql.opened, values: [agent, textBytes(sessionId), textBytes(name)] });
        return row && decodeStateBytes(row['header']);
      },
      outbox: async () => decodeOutbox(await read({ text: sql.outbox, values: [agent] })),
      inbox: async () => decodeInbox(await read({ text: sql.inbox, values: [agent] })),
      kept: async (peer) => decodeKept(await read({ text: sql.kept, values: [agent, textBytes(peer)] }), peer),
      removeOutbox: (ids) => this.#remove(sql.deleteOutbox, ids),
      removeInbox: (ids) => this.#remove(sql.deleteInbox, ids),
      removeKeptBefore: (keptAt) => this.#state.write(async (run) => void (await run({ text: sql.sweepKept, values: [agent, wholeMs(keptAt)] }))),
      removeSession: (sessionId) => this.#removeSession(sessionId),
      addPrekeys: (rows) => this.#addPrekeys(rows),
      prekeys: async (kind) => decodePrekeys(await read({ text: sql.prekeys, values: [agent, kind, null] }), kind),
      prekey: async (kind, id) => decodePrekeys(await read({ text: sql.prekeys, values: [agent, kind, id] }), kind)[0],
      removePrekeys: (rows) => this.#removePrekeys(rows),
    };
  }

  async #load(sessionId: string): Promise<StoredSession | undefined> {
    return decodeSession(await this.#state.read({ name: 'session-load', text: this.#sql.load, values: [this.#agent, textBytes(sessionId)] }));
  }

  /** All or none: a check that fails takes back what was written before it. */
  async #commit(commit: Commit): Promise<number> {
    const { expectedVersion, writes } = commit;
    const { seq, sweeps } = await this.#state.write(async (run) => {
      const row = await this.#saveState(run, commit);
      const place = { run, seq: decodeStateCount(row['seq']), place: decodeStateCount(row['place']) };
      await this.#saveSkipped(place, writes);
      const sweeps = await this.#saveOpened(place, writes);
      await this.#savePrekeys(run, writes);
      await this.#saveRows(place, writes);
      return { seq: place.seq, sweeps };
    });
    // Counted when it is there: what was taken back opened nothing.
    const unswept = sweeps ? 0 : (this.#unswept.get(seq) ?? 0) + (writes.opened?.length ?? 0);
    this.#unswept.set(seq, unswept);
    return expectedVersion + 1;
  }

  /** The compare-and-set, and from then on the session's row is held. */
  async #saveState(run: Run, { sessionId, expectedVersion, writes }: Commit) {
    const { insertSession, updateSession } = this.#sql;
    const of = [this.#agent, textBytes(sessionId)];
    const state = Buffer.from(writes.state);
    const [row] =
      expectedVersion === 0
        ? await run({ name: 'session-insert', text: insertSession, values: [...of, textBytes(writes.peer), state] })
        : await run({ name: 'session-update', text: updateSession, values: [...of, expectedVersion, state] });
    if (row === undefined) throw conflict('the session has another version');
    return row;
  }

  async #saveSkipped({ run, seq }: Place, { skippedAdded = [], skippedRemoved = [] }: SessionWrites): Promise<void> {
    if (skippedAdded.length + skippedRemoved.length === 0) return;
    const nameOf = ({ chain, number }: { readonly chain: number; readonly number: number }): string => `${chain}/${number}`;
    const removed = new Set(skippedRemoved.map(nameOf));
    // A key that comes and goes in one commit never comes.
    const added = [...new Map(skippedAdded.map((key) => [nameOf(key), key])).values()].filter((key) => !removed.has(nameOf(key)));
    const values = [
      seq,
      added.map(({ chain }) => chain),
      added.map(({ number }) => number),
      added.map(({ messageKey }) => Buffer.from(messageKey)),
      added.map(({ storedAt }) => storedAt),
      skippedRemoved.map(({ chain }) => chain),
      skippedRemoved.map(({ number }) => number),
    ];
    await run({ name: 'skipped-save', text: this.#sql.saveSkipped, values });
  }

  /** @returns Whether the oldest went. */
  async #saveOpened({ run, seq, place }: Place, { opened = [] }: SessionWrites): Promise<boolean> {
    if (opened.length === 0) return false;
    const values = [seq, place, opened.map(({ name }) => textBytes(name)), opened.map(({ headerHash }) => Buffer.from(headerHash))];
    const saved = await run({ name: 'opened-save', text: this.#sql.saveOpened, values });
    if (saved.length !== opened.length) throw conflict('a message was opened before');
    if ((this.#unswept.get(seq) ?? 0) + opened.length < sweepEvery) return false;
    await run({ text: this.#sql.sweepOpened, values: [seq, minDedupeKeys] });
    return true;
  }

  async #savePrekeys(run: Run, { consumedOneTimeId, seenEphemeral }: SessionWrites): Promise<void> {
    if (consumedOneTimeId !== undefined) {
      const consumed = await run({ text: this.#sql.consumePair, values: [this.#agent, consumedOneTimeId] });
      if (consumed.length !== 1) throw conflict('the one-time pair was consumed');
    }
    if (seenEphemeral === undefined) return;
    const saved = await run({ text: this.#sql.saveEphemeral, values: [this.#agent, seenEphemeral.signedPrekeyId, textBytes(seenEphemeral.key)] });
    if (saved.length !== 1) throw conflict('the ephemeral key was seen before');
  }

  async #saveRows({ run, place }: Place, { keptRemoved = [], kept = [], outbox = [], inbox = [], peer }: SessionWrites): Promise<void> {
    const { deleteKept, saveKept, saveOutbox, saveInbox } = this.#sql;
    const agent = this.#agent;
    const named = (rows: readonly { readonly id: string; readonly sessionId: string }[]): readonly unknown[] => [
      agent,
      place,
      rows.map(({ id }) => textBytes(id)),
      rows.map(({ sessionId }) => textBytes(sessionId)),
    ];
    if (keptRemoved.length > 0) await run({ text: deleteKept, values: [agent, textBytes(peer), keptRemoved.map(textBytes)] });
    if (kept.length > 0) {
      const columns = [kept.map(({ to }) => textBytes(to)), kept.map(({ contents }) => Buffer.from(contents)), kept.map(({ keptAt }) => keptAt)];
      await run({ name: 'kept-save', text: saveKept, values: [...named(kept), ...columns] });
    }
    if (outbox.length > 0) {
      const columns = [
        outbox.map(({ sessionVersion }) => sessionVersion),
        outbox.map(({ to }) => textBytes(to)),
        outbox.map(({ frame }) => Buffer.from(frame)),
      ];
      await run({ name: 'outbox-save', text: saveOutbox, values: [...named(outbox), ...columns] });
    }
    if (inbox.length === 0) return;
    const columns = [
      inbox.map(({ sessionVersion }) => sessionVersion),
      inbox.map(({ from }) => textBytes(from)),
      inbox.map((row) => Buffer.from(row.contents)),
    ];
    const sizes = [inbox.map(({ frameBytes }) => frameBytes), inbox.map(({ receivedAt }) => receivedAt)];
    await run({ name: 'inbox-save', text: saveInbox, values: [...named(inbox), ...columns, ...sizes] });
  }

  async #remove(text: string, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#state.write(async (run) => void (await run({ text, values: [this.#agent, ids.map(textBytes)] })));
  }

  /** The row first: a commit that holds it ends before, and what it wrote goes as well. */
  #removeSession(sessionId: string): Promise<void> {
    return this.#state.write(async (run) => {
      const [row] = await run({ text: this.#sql.deleteSession, values: [this.#agent, textBytes(sessionId)] });
      if (row === undefined) return;
      const seq = decodeStateCount(row['seq']);
      this.#unswept.delete(seq);
      await run({ text: this.#sql.deleteMemory, values: [seq] });
    });
  }

  #addPrekeys(rows: readonly StoredPrekey[]): Promise<void> {
    return this.#state.write(async (run) => {
      const columns = [
        rows.map(({ kind }) => kind),
        rows.map(({ id }) => id),
        rows.map(({ secret }) => Buffer.from(secret)),
        rows.map(({ notAfter }) => notAfter),
      ];
      const saved = await run({ text: this.#sql.savePrekeys, values: [this.#agent, ...columns] });
      if (saved.length !== rows.length) throw conflict('the id of a prekey is taken');
    });
  }

  #removePrekeys(rows: readonly Pick<StoredPrekey, 'kind' | 'id'>[]): Promise<void> {
    return this.#state.write(async (run) => {
      await run({ text: this.#sql.deletePrekeys, values: [this.#agent, rows.map(({ kind }) => kind), rows.map(({ id }) => id)] });
      const signed = rows.filter(({ kind }) => kind === 'signed').map(({ id }) => id);
      if (signed.length > 0) await run({ text: this.#sql.deleteEphemerals, values: [this.#agent, signed] });
    });
  }
}

/** One code for every lost race: the caller reloads, and sees then what was there first. */
function conflict(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: `another writer was first: ${reason}`, retryable: true });
}
