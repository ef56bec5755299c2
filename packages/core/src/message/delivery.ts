/** Handing messages over: in order of arrival, until the handler's promise resolves, again after a failure or a crash. @module */
import type { Env } from '../env/env.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { InboxRow, SessionStore } from '../session/session-store.ts';
import { decodeContents, type MessageContents, type RevocationNews } from './contents.ts';
import { Door, type Arrived } from './door.ts';
import { rowRemoval, type RowRemoval } from './row-removal.ts';

export type Received = {
  /**
   * The message's name at both ends, base64url of 32 bytes: its hash, or that of the frame that carried it first if it had to be encrypted again.
   * The sender says what that was, and may say what it likes, also the name of another's message: unique per sender only, so key by `(from, id)`.
   */
  readonly id: string;
  /** SHA-256 of the frame, base64url: the key of the `message.in` entry here and of `message.out` at the sender. */
  readonly messageHash: string;
  readonly from: AgentId;
  /** As it was sent: text as a string, bytes as bytes. */
  readonly content: string | Uint8Array;
  /** The session id, base64url. */
  readonly session: string;
  /** The handler may have seen this message before: it failed or the process ended before its promise resolved, or the sender had to encrypt it again. */
  readonly redelivered: boolean;
};

/** May be called again for a message whose promise it rejected: make its effect idempotent by `(from, id)`. */
export type ReceivedHandler = (message: Received) => void | Promise<void>;

/** What is for the agent itself. May be called again for news whose promise it rejected. */
export type NewsHandler = (from: AgentId, news: RevocationNews) => Promise<void>;

/** As `Received`, for the remote calls of this agent: never shown to the handlers of messages. */
export type ReceivedRemote = Pick<Received, 'id' | 'from' | 'redelivered'> & {
  readonly body: Uint8Array;
  /** Resolves when its arrival is in the log. If it rejects nothing may come of the message: it is handed over again when it is recorded. */
  readonly recorded: Promise<void>;
};

/** As `ReceivedHandler`. */
export type RemoteHandler = (message: ReceivedRemote) => Promise<void>;

type DeliveryParts = { readonly store: SessionStore; readonly env: Env; readonly onError: (error: unknown) => void; readonly onNews?: NewsHandler | undefined };

/** A message, or one of several bodies that came in one: each is finished, and handed over again, by itself. */
type Pending = { readonly row: InboxRow; readonly body: Uint8Array | undefined; redelivered: boolean; recorded: Promise<void> };

type Unwrapped = { readonly id: string; readonly contents: MessageContents; readonly isAgain: boolean };

const isRecorded: Promise<void> = /* @__PURE__ */ Promise.resolve();

const firstRetryMs = 1000;
const lastRetryMs = 60_000;
/** A handler that never ends must not hold up `close` for ever; its message comes again. */
const closeGraceMs = 5000;

/** Owns the inbox rows that were committed and not finished. */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #removeInbox: RowRemoval;
  readonly #users = new Door<ReceivedHandler>();
  readonly #remotes = new Door<RemoteHandler>();
  /** What no handler has finished, by the id of its row; not what its door has left in the store. */
  readonly #pending = new Map<string, Set<Pending>>();
  readonly #running = new Set<Promise<void>>();
  readonly #timers = new Set<() => void>();
  #closed = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#removeInbox = rowRemoval((ids) => parts.store.removeInbox(ids));
  }

  /** What came while there was no handler is handed to the first one. */
  addHandler(handler: ReceivedHandler): () => void {
    return this.#add(this.#users, handler);
  }

  addRemoteHandler(handler: RemoteHandler): () => void {
    return this.#add(this.#remotes, handler);
  }

  #add<T>(door: Door<T>, handler: T): () => void {
    const isFirst = door.handlers.size === 0;
    door.open(handler);
    const all = isFirst ? [...this.#pending.values()].flatMap((unfinished) => [...unfinished]) : [];
    for (const pending of all) if (this.#doorOf(pending.row) === door) this.#start(pending, firstRetryMs);
    if (isFirst && door.left.size > 0) this.#run(this.#takeUp(door));
    return () => void door.handlers.delete(handler);
  }

  #hasLeft<T>({ left, handlers }: Door<T>): boolean {
    return left.size > 0 && handlers.size > 0 && !this.#closed;
  }

  /** Undefined for news, which waits for nobody. */
  #doorOf(row: InboxRow): Door<unknown> | undefined {
    if (isRemote(row)) return this.#remotes as Door<unknown>;
    return isNews(unwrap(row).contents) ? undefined : (this.#users as Door<unknown>);
  }

  /** Reads what was left; what comes meanwhile is left behind it, and read after it. */
  async #takeUp<T>(door: Door<T>): Promise<void> {
    try {
      while (this.#hasLeft(door)) {
        const asked = [...door.left.keys()];
        const rows = await this.#parts.store.inbox();
        if (!this.#hasLeft(door)) return;
        for (const { row, arrived } of door.takeLeft(rows, asked)) this.#accept(row, arrived);
      }
    } catch (error) {
      this.#parts.onError(error);
      if (!this.#closed) this.#later(lastRetryMs, () => this.#run(this.#takeUp(door)));
    }
  }

  /** Idempotent while the message is pending; one whose record failed may go on with this one's. */
  deliver(row: InboxRow, redelivered: boolean, recorded: Promise<void> = isRecorded): void {
    const present = this.#pending.get(row.id);
    for (const pending of present ?? []) pending.recorded = recorded;
    if (this.#closed || present !== undefined) return;
    const arrived = { redelivered, recorded };
    if (this.#doorOf(row)?.admits(row, arrived) !== false) this.#accept(row, arrived);
  }

  #accept(row: InboxRow, arrived: Arrived): void {
    const bodies = bodiesOf(unwrap(row).contents) ?? [undefined];
    const unfinished = bodies.map((body): Pending => ({ row, body, ...arrived }));
    this.#pending.set(row.id, new Set(unfinished));
    if (this.#doorOf(row)?.handlers.size !== 0) for (const pending of unfinished) this.#start(pending, firstRetryMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    let cancel = (): void => undefined;
    const grace = new Promise<void>((resolve) => {
      cancel = this.#parts.env.after(closeGraceMs, resolve);
    });
    await Promise.race([Promise.all(this.#running), grace]);
    cancel();
  }

  /** Handlers start in order of arrival; one that waits for a later message, or for its own send, does not hold up the rest. */
  #start(pending: Pending, retryMs: number): void {
    this.#run(this.#handle(pending, retryMs));
  }

  /** `close` waits for it. */
  #run(work: Promise<void>): void {
    const run = work.finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** All handlers of the moment; the row goes when every one of them has resolved. */
  async #handle(pending: Pending, retryMs: number): Promise<void> {
    try {
      await this.#tell(pending);
      await pending.recorded;
      await this.#finish(pending);
    } catch (error) {
      this.#parts.onError(error);
      if (!this.#closed) this.#retryLater(pending, retryMs);
    }
  }

  /** The row goes with the last of what came in it. */
  async #finish(pending: Pending): Promise<void> {
    const { id } = pending.row;
    const unfinished = this.#pending.get(id);
    unfinished?.delete(pending);
    if (unfinished === undefined || unfinished.size > 0) return;
    await this.#removeInbox([id]);
    this.#pending.delete(id);
  }

  async #tell(pending: Pending): Promise<void> {
    const { row, body, recorded } = pending;
    const { id, contents, isAgain } = unwrap(row);
    if (isNews(contents)) return this.#parts.onNews?.(row.from, contents);
    const redelivered = pending.redelivered || isAgain;
    pending.redelivered = true;
    if (body !== undefined) {
      await Promise.all([...this.#remotes.handlers].map(async (handler) => handler({ id, from: row.from, redelivered, body, recorded })));
      return;
    }
    // Only what is for the user has a row.
    const content = contents.kind === 'text' ? contents.text : contents.kind === 'data' ? contents.data : '';
    const message = { id, messageHash: row.id, from: row.from, content, session: row.sessionId, redelivered };
    await Promise.all([...this.#users.handlers].map(async (handler) => handler(message)));
  }

  /** Twice as long each time, at most a minute: a handler whose database is away is not hammered with its own backlog. */
  #retryLater(pending: Pending, retryMs: number): void {
    this.#later(retryMs, () => this.#start(pending, Math.min(retryMs * 2, lastRetryMs)));
  }

  #later(delayMs: number, run: () => void): void {
    const cancel = this.#parts.env.after(delayMs, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }
}

function isNews(contents: MessageContents): contents is RevocationNews {
  return contents.kind === 'revocations' || contents.kind === 'question';
}

/** Whether it is for the other end of remote calls, and not for the user. */
export function isRemote(row: InboxRow): boolean {
  return bodiesOf(unwrap(row).contents) !== undefined;
}

/** The message's name: that of its frame, or of the one that carried it first. */
export function nameOf(row: InboxRow): string {
  return unwrap(row).id;
}

/** Undefined for what is not for remote calls. */
function bodiesOf(contents: MessageContents): readonly Uint8Array[] | undefined {
  if (contents.kind === 'remotes') return contents.bodies;
  return contents.kind === 'remote' ? [contents.body] : undefined;
}

/** A row is looked at on its way in, when it is handed over, and when it is acknowledged. */
const unwrapped = /* @__PURE__ */ new WeakMap<InboxRow, Unwrapped>();

function unwrap(row: InboxRow): Unwrapped {
  const present = unwrapped.get(row) ?? readRow(row);
  unwrapped.set(row, present);
  return present;
}

function readRow(row: InboxRow): Unwrapped {
  const contents = decodeContents(row.contents);
  if (contents.kind !== 'again') return { id: row.id, contents, isAgain: false };
  return { id: contents.id, contents: decodeContents(contents.contents), isAgain: true };
}
