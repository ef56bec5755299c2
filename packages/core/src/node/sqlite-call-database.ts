/** The database of served calls: schema, statements, one transaction for all that waits. Runs in the store's thread; answers come here sealed. @module */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { clockSkewSeconds } from '../capability/bounds.ts';
import { unacknowledgedLifeMs } from '../remote/bounds.ts';
import type { CallClaim, ClaimVerdict, StoredCall, UnacknowledgedCall } from '../remote/call-store.ts';
import { inTransaction, openDatabase } from './open-database.ts';

/** "talr": not the log's and not the sessions'. */
const applicationId = 0x74616c72;
const title = 'the database of served calls';

/** Claims between two sweeps of ended ones. */
const sweepEvery = 1000;

const schema = `
CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), since INTEGER NOT NULL, purged INTEGER NOT NULL) STRICT;
CREATE TABLE call (agent TEXT NOT NULL, id TEXT NOT NULL, request TEXT NOT NULL, peer TEXT NOT NULL, token TEXT NOT NULL, until INTEGER NOT NULL, answer BLOB, settled INTEGER, acknowledged INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (agent, id)) STRICT, WITHOUT ROWID;
CREATE INDEX call_request ON call (agent, request);
CREATE INDEX call_until ON call (until);
CREATE INDEX call_open ON call (agent, settled) WHERE settled IS NOT NULL AND acknowledged = 0
`;

export type CallDatabaseOptions = { readonly path: string; readonly sinceMs: number };

export type CallOperation =
  | { readonly op: 'claim'; readonly agent: string; readonly claim: CallClaim; readonly nowMs: number }
  | { readonly op: 'settle'; readonly agent: string; readonly id: string; readonly answer: Uint8Array; readonly nowMs: number }
  | { readonly op: 'find'; readonly agent: string; readonly request: string }
  | { readonly op: 'acknowledge'; readonly agent: string; readonly request: string }
  | { readonly op: 'unacknowledged'; readonly agent: string; readonly limit: number };

/** What waited, in order: one commit. */
export type CallRequest = { readonly op: 'batch'; readonly operations: readonly CallOperation[] };

type Asked<Op extends CallOperation['op']> = Extract<CallOperation, { readonly op: Op }>;
type Row = {
  readonly id: string;
  readonly request: string;
  readonly peer: StoredCall['peer'];
  readonly token: string;
  readonly answer: Uint8Array | null;
  readonly settled: number | null;
  readonly acknowledged: number;
};

export class CallDatabase {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  #untilSweep = 0;

  constructor({ path, sinceMs }: CallDatabaseOptions) {
    this.#db = openDatabase({ path, title, applicationId, formatVersion: 1, schema, synchronous: 'FULL' });
    // Claims are in whole seconds: what was made in the second in which the file began is not older than it.
    this.#db.prepare('INSERT INTO meta (one, since, purged) VALUES (1, ?, 0) ON CONFLICT DO NOTHING').run(Math.floor(sinceMs / 1000) * 1000);
    this.#statements = prepare(this.#db);
  }

  answer({ operations }: CallRequest): readonly unknown[] {
    return inTransaction(this.#db, title, () => operations.map((operation) => this.#answerOne(operation)));
  }

  close(): void {
    this.#db.close();
  }

  #answerOne(operation: CallOperation): unknown {
    switch (operation.op) {
      case 'claim':
        return this.#claim(operation);
      case 'settle':
        return this.#settle(operation);
      case 'find':
        return this.#find(operation);
      case 'acknowledge':
        return void this.#statements.acknowledge.run(operation.agent, operation.request);
      case 'unacknowledged':
        return this.#statements.unacknowledged.all(operation.agent, operation.limit) as unknown as readonly UnacknowledgedCall[];
    }
  }

  #claim({ agent, claim, nowMs }: Asked<'claim'>): ClaimVerdict {
    const { claim: insert, byId, meta } = this.#statements;
    if (this.#untilSweep-- <= 0) this.#sweep(nowMs);
    const present = byId.get(agent, claim.id) as Row | undefined;
    if (present !== undefined) return { verdict: 'seen', call: stored(present) };
    const known = meta.get() as { since: number; purged: number } | undefined;
    if (known === undefined || claim.from < known.since || claim.until <= known.purged) return { verdict: 'unknown' };
    insert.run(agent, claim.id, claim.request, claim.peer, claim.token, claim.until);
    return { verdict: 'new' };
  }

  #settle({ agent, id, answer, nowMs }: Asked<'settle'>): Uint8Array | undefined {
    this.#statements.settle.run(answer, nowMs, agent, id);
    return (this.#statements.byId.get(agent, id) as Row | undefined)?.answer ?? undefined;
  }

  #find({ agent, request }: Asked<'find'>): StoredCall | undefined {
    const row = this.#statements.byRequest.get(agent, request) as Row | undefined;
    return row && stored(row);
  }

  #sweep(nowMs: number): void {
    this.#untilSweep = sweepEvery;
    const before = nowMs - clockSkewSeconds * 1000;
    if (this.#statements.sweep.run(before, nowMs - unacknowledgedLifeMs).changes > 0) this.#statements.purged.run(before);
  }
}

function stored({ id, request, peer, token, answer, settled, acknowledged }: Row): StoredCall {
  const base = { id, request, peer, token, acknowledged: acknowledged === 1 };
  return { ...base, ...(answer === null ? {} : { answer }), ...(settled === null ? {} : { settledAt: settled }) };
}

/** Without INDEXED BY SQLite prefers the primary key's first column to the index, and reads all calls of an agent to find one. */
function prepare(db: DatabaseSync) {
  const columns = 'id, request, peer, token, answer, settled, acknowledged';
  return {
    meta: db.prepare('SELECT since, purged FROM meta'),
    purged: db.prepare('UPDATE meta SET purged = max(purged, ?)'),
    claim: db.prepare('INSERT INTO call (agent, id, request, peer, token, until) VALUES (?, ?, ?, ?, ?, ?)'),
    byId: db.prepare(`SELECT ${columns} FROM call WHERE agent = ? AND id = ?`),
    byRequest: db.prepare(`SELECT ${columns} FROM call INDEXED BY call_request WHERE agent = ? AND request = ?`),
    settle: db.prepare('UPDATE call SET answer = ?, settled = ? WHERE agent = ? AND id = ? AND settled IS NULL'),
    acknowledge: db.prepare('UPDATE call INDEXED BY call_request SET acknowledged = 1, answer = NULL WHERE agent = ? AND request = ? AND settled IS NOT NULL'),
    unacknowledged: db.prepare(
      'SELECT request, peer, settled AS settledAt FROM call WHERE agent = ? AND settled IS NOT NULL AND acknowledged = 0 ORDER BY settled LIMIT ?',
    ),
    sweep: db.prepare('DELETE FROM call WHERE until <= ? AND (settled IS NULL OR acknowledged = 1 OR settled <= ?)'),
  } satisfies Record<string, StatementSync>;
}
