/**
 * Sending: one queue per session encrypts what waits, commits it once, records it, and only then sends (docs/spec/04 §6.2).
 *
 * One fsync for each message would hold a session at a few thousand messages a second. Sends that wait while a commit runs share the
 * next one. The session's queue is free again after the commit: a slow wire does not hold up what comes in.
 * @module
 */
import type { Env } from '../env/env.ts';
import { SessionError } from '../errors/session-error.ts';
import { TransportError } from '../errors/transport-error.ts';
import type { Secret } from '../primitives/secret.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { hashFrame } from '../session/frame.ts';
import { sessionLifeMs } from '../session/limits.ts';
import { encryptMessage } from '../session/session.ts';
import type { KeptRow, OutboxRow, SessionStore } from '../session/session-store.ts';
import { firstBatch } from './batch.ts';
import { countRemotes, encodeContents, joinRemotes } from './contents.ts';
import type { MessageLog } from './message-log.ts';
import { RecentMap } from './recent-map.ts';
import { rowRemoval, type RowRemoval } from './row-removal.ts';
import type { SerialQueue } from './serial-queue.ts';
import type { LiveSession, SessionTable } from './session-table.ts';
import type { Transport } from './transport.ts';

export type Sent = {
  /** SHA-256 of the frame, base64url: the same at both ends, and the key of the `message.out` entry. */
  readonly messageHash: string;
  /** The message's name at both ends. Today its hash. */
  readonly id: string;
  /** `queued`: durable here, not yet taken over by the transport; it is sent again by itself. */
  readonly status: 'sent' | 'queued';
};

/** `kept`: the row that stays until the peer has acknowledged the message; `id` is absent for a new one, whose frame gives it. */
type Waiting = {
  readonly contents: Uint8Array;
  readonly kept?: Keeping | undefined;
  readonly resolve: (sent: Sent) => void;
  readonly reject: (error: unknown) => void;
};

type Keeping = { readonly id?: string; readonly contents: Uint8Array; readonly keptAt: number };

/**
 * A durable row on its way. `repeated`: the log may have its entry already, from before a crash or a failed append. `since`: when this run
 * first had it; rows do not say how old they are.
 */
type Departure = {
  readonly row: OutboxRow;
  readonly record: 'due' | 'repeated' | 'done';
  readonly since: number;
  readonly waiting?: Waiting | undefined;
};

export type OutgoingParts = {
  readonly table: SessionTable;
  readonly store: SessionStore;
  readonly transport: Transport;
  readonly env: Env;
  readonly log?: MessageLog | undefined;
  /** One key per session: what is committed goes through it. */
  readonly sessions: SerialQueue;
  readonly onError: (error: unknown) => void;
};

/** As long as a mailbox keeps a frame: what is older was lost for another reason, and would come as a surprise. */
export const maxKeptMs: number = 7 * 24 * 3_600_000;
const firstRetryMs = 1000;
const lastRetryMs = 60_000;

/** Owns the messages between `send` and the transport; the session itself is the table's. */
export class Outgoing {
  readonly #parts: OutgoingParts;
  readonly #waiting = new Map<string, Waiting[]>();
  /** Rows that are durable and not yet taken over, by session, in order. */
  readonly #departures = new Map<string, Departure[]>();
  readonly #wire: SerialQueue;
  readonly #removeOutbox: RowRemoval;
  readonly #forgetting = new Set<Promise<void>>();
  /** By session: resolves when what earlier sessions left is queued. Done again there is nothing left to do. */
  readonly #adopted = new RecentMap<string, Promise<void>>();
  #retryMs = firstRetryMs;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  constructor(parts: OutgoingParts, wire: SerialQueue) {
    this.#parts = parts;
    this.#wire = wire;
    this.#removeOutbox = rowRemoval((ids) => parts.store.removeOutbox(ids));
  }

  /** A message of the user: kept until the peer has acknowledged it. */
  async send(sessionId: string, message: { readonly peer: AgentId; readonly contents: Uint8Array }): Promise<Sent> {
    const { peer, contents } = message;
    await this.adopt(sessionId, peer);
    return this.#queue(sessionId, contents, { contents, keptAt: this.#parts.env.now() });
  }

  /** An answer of the session itself. Nobody misses it: a later one says the same and more. */
  answer(sessionId: string, contents: Uint8Array): Promise<Sent> {
    return this.#queue(sessionId, contents, undefined);
  }

  /**
   * Takes over what the peer has not acknowledged of sessions that were replaced: encrypted again, under this one, by the name it had. Once
   * for a session and run, so that a crash between the handshake and this is made up for by the next send.
   */
  adopt(sessionId: string, peer: AgentId): Promise<void> {
    const present = this.#adopted.get(sessionId);
    if (present !== undefined) return present;
    const adopting = this.#adopt(sessionId, peer).catch((error: unknown) => {
      this.#adopted.delete(sessionId);
      throw error;
    });
    this.#adopted.set(sessionId, adopting);
    return adopting;
  }

  async #adopt(sessionId: string, peer: AgentId): Promise<void> {
    const { store, table, env } = this.#parts;
    const orphans: KeptRow[] = [];
    for (const row of await store.kept(peer)) {
      if (row.sessionId === sessionId) continue;
      const owner = await table.load(row.sessionId);
      if ((owner === undefined || owner.state.retired?.reason === 'replaced') && env.now() - row.keptAt <= maxKeptMs) orphans.push(row);
    }
    for (const { id, contents, keptAt } of orphans) {
      const again = encodeContents({ kind: 'again', id, contents });
      // Durable or not is all that counts here: who sent it first was told long ago.
      await this.#queue(sessionId, again, { id, contents, keptAt }).catch(this.#parts.onError);
    }
  }

  #queue(sessionId: string, contents: Uint8Array, kept: Keeping | undefined): Promise<Sent> {
    return new Promise<Sent>((resolve, reject) => {
      const waiting = { contents, kept, resolve, reject };
      const present = this.#waiting.get(sessionId);
      if (present !== undefined) return void present.push(waiting);
      this.#waiting.set(sessionId, [waiting]);
      this.#flushNext(sessionId);
    });
  }

  /** One flush stands in the session's queue for all that waits, and the next one behind it for what was too much. */
  #flushNext(sessionId: string): void {
    void this.#parts.sessions.run(sessionId, () => this.#flush(sessionId));
  }

  /** Takes up the rows that a crash or a failed transport left. Byte for byte: they were encrypted once and for all. */
  async resume(): Promise<void> {
    const since = this.#parts.env.now();
    for (const row of await this.#parts.store.outbox()) this.#append(row.sessionId, [{ row, record: 'repeated', since }]);
    this.sweep();
    this.#retry();
  }

  /** Gives up what no mailbox would keep any more: a peer that never empties its own would grow our outbox, and our memory, for ever. */
  sweep(): void {
    for (const sessionId of this.#departures.keys()) void this.#wire.run(sessionId, () => this.#giveUp(sessionId)).catch(this.#parts.onError);
  }

  async #giveUp(sessionId: string): Promise<void> {
    const isOver = await this.#isOver(sessionId);
    const departures = this.#departures.get(sessionId) ?? [];
    const before = this.#parts.env.now() - maxKeptMs;
    const young = isOver ? -1 : departures.findIndex(({ since }) => since >= before);
    const over = departures.splice(0, young < 0 ? departures.length : young);
    if (departures.length === 0) this.#departures.delete(sessionId);
    if (over.length === 0) return;
    this.#forget(over);
    const error = givenUp(over.length);
    for (const { waiting } of over) waiting?.reject(error);
    this.#parts.onError(error);
  }

  /** Nothing of it can be opened any more, whenever a run took it up: a session that is gone has left what was kept to the one after it. */
  async #isOver(sessionId: string): Promise<boolean> {
    const live = await this.#parts.table.load(sessionId);
    return live === undefined || this.#parts.env.now() - live.state.createdAt > sessionLifeMs + maxKeptMs;
  }

  /** What is on its way is finished; what fails from now on stays in the outbox for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    await this.#parts.sessions.idle();
    await this.#wire.idle();
    await Promise.all(this.#forgetting);
  }

  /** Runs in the session's queue. A batch that is refused as a whole was not sent, and can be sent again. */
  async #flush(sessionId: string): Promise<void> {
    const queue = this.#waiting.get(sessionId) ?? [];
    const batch = joined(queue.splice(0, firstBatch(queue, ({ contents }) => contents.length).length));
    if (queue.length === 0) this.#waiting.delete(sessionId);
    else this.#flushNext(sessionId);
    try {
      const departures = await this.#parts.table.retrying(sessionId, (live) => this.#encryptAndCommit(batch, live));
      this.#depart(sessionId, departures);
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  }

  /** All of the batch on one state, one after the other in memory: five sends started at once have five keys. */
  async #encryptAndCommit(batch: readonly Waiting[], live: LiveSession | undefined): Promise<readonly Departure[]> {
    const { env, table } = this.#parts;
    if (live === undefined) throw new SessionError({ code: 'TALOS_SESSION_UNKNOWN', message: 'the session is gone: establish a new one' });
    if (live.isRolledBack) throw rolledBack();
    const rows: { readonly row: OutboxRow; readonly waiting: Waiting }[] = [];
    const kept: KeptRow[] = [];
    const consumed: Secret[] = [];
    let { state } = live;
    for (const waiting of batch) {
      const sealed = attempt(() => encryptMessage(state, waiting.contents, env), waiting.reject);
      if (sealed === undefined) continue;
      state = sealed.session;
      consumed.push(...sealed.consumed);
      const row = { id: hashFrame(sealed.frame), sessionId: live.id, sessionVersion: live.version + 1, to: state.peerDid, frame: sealed.frame };
      rows.push({ waiting, row });
      if (waiting.kept !== undefined) kept.push({ id: row.id, sessionId: live.id, to: state.peerDid, ...waiting.kept });
    }
    if (rows.length === 0) return [];
    await table.commit({
      live,
      state,
      writes: { outbox: rows.map(({ row }) => row), kept, keptRemoved: rows.flatMap(({ waiting }) => waiting.kept?.id ?? []) },
      consumed,
    });
    return rows.map(({ row, waiting }) => ({ row, waiting, record: 'due', since: env.now() }));
  }

  /** A queue of its own for each session's wire, so that frames keep their order and encryption does not wait for them. */
  #depart(sessionId: string, departures: readonly Departure[]): void {
    this.#append(sessionId, departures);
    void this.#wire.run(sessionId, () => this.#sendAll(sessionId));
  }

  #append(sessionId: string, departures: readonly Departure[]): void {
    const present = this.#departures.get(sessionId);
    if (present === undefined) this.#departures.set(sessionId, [...departures]);
    else present.push(...departures);
  }

  /** In order: a frame that fails holds back those behind it, else a late first message would cost the peer its skipped keys. */
  async #sendAll(sessionId: string): Promise<void> {
    const departures = this.#departures.get(sessionId) ?? [];
    try {
      while (departures.length > 0) {
        const { count, failure } = await this.#recordAll(departures);
        const sent = departures.splice(0, await this.#hand(departures.slice(0, count)));
        for (const { row, waiting } of sent) waiting?.resolve(sentOf(row, 'sent'));
        this.#forget(sent);
        if (failure !== undefined && sent.length === count) throw failure.reason;
      }
      this.#departures.delete(sessionId);
      this.#retryMs = firstRetryMs;
    } catch (error) {
      this.#holdBack(departures, error);
    }
  }

  /** Nobody waits for it but the end: a row that is still there after a crash is sent again, byte for byte. */
  #forget(sent: readonly Departure[]): void {
    const forgetting = this.#removeOutbox(sent.map(({ row }) => row.id))
      .catch(this.#parts.onError)
      .finally(() => this.#forgetting.delete(forgetting));
    this.#forgetting.add(forgetting);
  }

  /** How many the transport took over; all rows of a session go to one peer. */
  async #hand(departures: readonly Departure[]): Promise<number> {
    const { transport } = this.#parts;
    const [first] = departures;
    if (first === undefined) return 0;
    const { to, frame } = first.row;
    if (transport.sendBatch !== undefined && departures.length > 1)
      return transport.sendBatch(
        to,
        departures.map(({ row }) => row.frame),
      );
    await transport.send(to, frame);
    return 1;
  }

  /** Before the send; once, so that a transport that fails does not record it twice. @returns How many from the first on are recorded. */
  async #recordAll(departures: Departure[]): Promise<{ readonly count: number; readonly failure?: PromiseRejectedResult | undefined }> {
    const batch = firstBatch(departures, ({ row }) => row.frame.length);
    const outcomes = await Promise.allSettled(batch.map((departure) => this.#record(departure)));
    for (const [i, departure] of batch.entries()) departures[i] = { ...departure, record: outcomes[i]?.status === 'fulfilled' ? 'done' : 'repeated' };
    const failed = outcomes.findIndex(({ status }) => status === 'rejected');
    return failed < 0 ? { count: batch.length } : { count: failed, failure: outcomes[failed] as PromiseRejectedResult };
  }

  async #record({ row, record }: Departure): Promise<void> {
    if (record === 'done') return;
    const entry = {
      type: 'message.out',
      peer: row.to,
      session: row.sessionId,
      sessionVersion: row.sessionVersion,
      messageHash: row.id,
      frameBytes: row.frame.length,
    } as const;
    await this.#parts.log?.append(record === 'repeated' ? { ...entry, repeated: true } : entry);
  }

  /** A transport that fails is not the sender's fault: it is told `queued`. A log that fails is told as what it is. */
  #holdBack(departures: Departure[], error: unknown): void {
    const isTransport = TransportError.isInstance(error) && error.code === 'TALOS_TRANSPORT_SEND_FAILED';
    for (const [i, { waiting, ...departure }] of departures.entries()) {
      if (isTransport) waiting?.resolve(sentOf(departure.row, 'queued'));
      else waiting?.reject(error);
      departures[i] = isTransport || departure.record === 'done' ? departure : { ...departure, record: 'repeated' };
    }
    this.#parts.onError(error);
    if (this.#closed) return;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#parts.env.after(this.#retryMs, () => this.#retry());
    this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs);
  }

  #retry(): void {
    for (const sessionId of this.#departures.keys()) void this.#wire.run(sessionId, () => this.#sendAll(sessionId));
  }
}

/** Messages of remote calls that wait together share frames: an agent with many calls in the air seals and records one where it had ten. */
function joined(batch: readonly Waiting[]): readonly Waiting[] {
  const frames: Waiting[] = [];
  const contents = batch.map((each) => each.contents);
  for (let at = 0; at < batch.length;) {
    const count = countRemotes(contents, at);
    const share = batch.slice(at, at + count);
    frames.push(count === 1 ? (share[0] as Waiting) : joinedFrame(share));
    at += count;
  }
  return frames;
}

function joinedFrame(share: readonly Waiting[]): Waiting {
  const contents = joinRemotes(share.map((each) => each.contents));
  return {
    contents,
    kept: { contents, keptAt: Math.max(...share.map(({ kept }) => kept?.keptAt ?? 0)) },
    resolve: (sent) => share.forEach(({ resolve }) => resolve(sent)),
    reject: (error) => share.forEach(({ reject }) => reject(error)),
  };
}

function sentOf(row: OutboxRow, status: Sent['status']): Sent {
  return { messageHash: row.id, id: row.id, status };
}

/** One message over a bound does not hold up the others of its batch. */
function attempt<T>(run: () => T, reject: (error: unknown) => void): T | undefined {
  try {
    return run();
  } catch (error) {
    reject(error);
    return undefined;
  }
}

function givenUp(count: number): TransportError {
  return new TransportError({
    code: 'TALOS_TRANSPORT_SEND_FAILED',
    message: `the transport did not take ${count} messages of a session for as long as a mailbox keeps one: they were given up`,
  });
}

function rolledBack(): SessionError {
  return new SessionError({
    code: 'TALOS_SESSION_ROLLED_BACK',
    message: 'the store holds an older state of this session than was committed: establish a new session',
  });
}
