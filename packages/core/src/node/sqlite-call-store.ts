/** Served calls on SQLite: one file for the agents of a home, several processes at once. Answers are sealed: they hold what tools gave. @module */
import type { AgentId } from '../identity/agent-id.ts';
import type { CallStore, ClaimVerdict, StoredCall, UnacknowledgedCall } from '../remote/call-store.ts';
import { DatabaseThread } from './database-thread.ts';
import { rowSeal, type RowSeal } from './session-row-seal.ts';
import type { CallDatabaseOptions, CallOperation, CallRequest } from './sqlite-call-database.ts';

export type SqliteCallsOptions = CallDatabaseOptions & {
  /** 32 bytes: seals answers. Copied. */
  readonly key: Uint8Array;
};

export type SqliteCalls = { of(agent: AgentId): CallStore; close(): Promise<void> };

/**
 * Opens or creates the file; its folder exists.
 * @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED` on SQLite below 3.51.3, `_CORRUPT`, `_READ_FAILED`.
 */
export async function openSqliteCalls({ path, sinceMs, key }: SqliteCallsOptions): Promise<SqliteCalls> {
  const workerData: CallDatabaseOptions = { path, sinceMs };
  const thread = new DatabaseThread<CallRequest>({ url: workerUrl(), workerData, name: 'talos-calls', title: 'this store of served calls' });
  await thread.opened;
  const group = new GroupCommit(thread);
  const copy = Uint8Array.from(key);
  return {
    of: (agent) => agentCalls(group, { agent, seal: rowSeal(copy, agent) }),
    close: async () => {
      await group.idle();
      await thread.close();
    },
  };
}

/** Beside this file, in the form this file has. */
const workerUrl = (): URL =>
  import.meta.url.endsWith('.ts') ? new URL('./sqlite-call-worker.ts', import.meta.url) : new URL('./sqlite-call-worker.js', import.meta.url);

type Waiting = { readonly operation: CallOperation; readonly resolve: (value: never) => void; readonly reject: (error: unknown) => void };

/** How long an acknowledgement, which nobody waits for, may wait for a claim or an answer to go with. */
const laterMs = 20;

/** What waits while a commit runs shares the next one: with many calls in the air a sync to disk is for all of them. */
class GroupCommit {
  readonly #thread: DatabaseThread<CallRequest>;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(thread: DatabaseThread<CallRequest>) {
    this.#thread = thread;
  }

  ask<T>(operation: CallOperation): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ operation, resolve, reject });
      this.#start();
    });
  }

  /** With what is asked next, or a little later. */
  askLater<T>(operation: CallOperation): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ operation, resolve, reject });
      this.#later ??= setTimeout(() => this.#start(), laterMs);
    });
  }

  /** Resolves when all that was asked is answered. */
  async idle(): Promise<void> {
    this.#start();
    await this.#running;
  }

  #start(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const values = await this.#thread.ask<readonly never[]>({ op: 'batch', operations: batch.map(({ operation }) => operation) });
        for (const [i, { resolve }] of batch.entries()) resolve(values[i] as never);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = undefined;
  }
}

function agentCalls(group: GroupCommit, { agent, seal }: { readonly agent: AgentId; readonly seal: RowSeal }): CallStore {
  const open = (call: StoredCall): StoredCall => (call.answer === undefined ? call : { ...call, answer: seal.open(placeOf(call.id), call.answer) });
  return {
    claim: async (claim, nowMs) => {
      const verdict = await group.ask<ClaimVerdict>({ op: 'claim', agent, claim, nowMs });
      return verdict.verdict === 'seen' ? { verdict: 'seen', call: open(verdict.call) } : verdict;
    },
    settle: async (id, answer, nowMs) => {
      const kept = await group.ask<Uint8Array | undefined>({ op: 'settle', agent, id, answer: seal.seal(placeOf(id), answer), nowMs });
      return kept && seal.open(placeOf(id), kept);
    },
    find: async (request) => {
      const call = await group.ask<StoredCall | undefined>({ op: 'find', agent, request });
      return call && open(call);
    },
    acknowledge: (request) => group.askLater({ op: 'acknowledge', agent, request }),
    unacknowledged: (limit) => group.ask<readonly UnacknowledgedCall[]>({ op: 'unacknowledged', agent, limit }),
  };
}

function placeOf(id: string): string {
  return `call ${id}`;
}
