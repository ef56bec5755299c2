/** The queue of one log in its schema: other processes put there what they ask of the one that writes it (docs/spec/03 §17). @module */
import { hashLeaf, lookupKeys, parseEntry } from '@talosprotocol/core/audit';
import { StoreError } from '@talosprotocol/core/errors';
import type { Intent, IntentAnswer, IntentQueue, PendingIntent } from '@talosprotocol/core/node';
import { decodeBytes, decodeCount } from './decode-rows.ts';
import { decodePlain, encodePlain } from './plain-values.ts';
import type { PostgresState } from './postgres-state.ts';

/** Nobody fetches an answer after this time, in milliseconds: its process is gone. */
const answerLifeMs = 600_000;

/**
 * Of one row. It is read as hexadecimal in one string, and a string has at most 2^29 − 24 characters: a longer one throws where nobody can catch it, in
 * the middle of the connection, and would end every process that looks.
 */
const maxRowBytes = 255 * 1024 * 1024;

/** What a process hands over of an entry; the rest follows from its bytes, whoever wrote the row. */
type QueuedEntry = { readonly bytes: Uint8Array; readonly openings: readonly unknown[] };

/** @param state - opened for the part `queue`. Closed with the queue. */
export function postgresIntentQueue(state: PostgresState): IntentQueue {
  const table = `${state.sql.schema}.intent`;
  return {
    pollMs: 20,
    add: async (process, at, intents) => {
      const text = `INSERT INTO ${table} (process, at, intent) SELECT $1::bytea, $2::bigint, one FROM unnest($3::bytea[]) WITH ORDINALITY AS given (one, place) ORDER BY place RETURNING n::text`;
      const rows = await state.write((run) => run({ text, values: [Buffer.from(process), at, intents.map((intent) => requireFit(encodeIntent(intent)))] }));
      return rows.map(({ n }) => decodeCount(n)).toSorted((a, b) => a - b);
    },
    // By what is not answered, not by number: a smaller number can be committed after a larger one.
    pending: async (_after, limit) => {
      const rows = await state.read({
        // Cut where it is too long: what is left is no intent.
        text: `SELECT n::text, encode(substring(intent FROM 1 FOR ${maxRowBytes}), 'hex') AS intent FROM ${table} WHERE answer IS NULL ORDER BY intent.n LIMIT $1`,
        values: [limit],
      });
      return rows.map(({ n, intent }) => ({ n: decodeCount(n), intent: decodeIntent(decodeBytes(intent)) }));
    },
    answer: async (answers) => {
      const values = [`{${answers.map(({ n }) => n).join(',')}}`, answers.map(({ answer }) => requireFit(encodePlain(answer)))];
      const text = `UPDATE ${table} SET answer = given.answer FROM unnest($1::bigint[], $2::bytea[]) AS given (n, answer) WHERE intent.n = given.n`;
      await state.write((run) => run({ text, values }));
    },
    fetch: async (process) => {
      const text = `WITH gone AS (DELETE FROM ${table} WHERE process = $1 AND answer IS NOT NULL RETURNING n, answer)
        SELECT n::text, encode(substring(answer FROM 1 FOR ${maxRowBytes}), 'hex') AS answer FROM gone UNION ALL SELECT n::text, NULL FROM ${table} WHERE process = $1 AND answer IS NULL`;
      const rows = await state.write((run) => run({ text, values: [Buffer.from(process)] }));
      const answered = rows.filter(({ answer }) => answer !== null);
      return {
        answers: new Map(answered.map(({ n, answer }) => [decodeCount(n), decodePlain(decodeBytes(answer)) as IntentAnswer])),
        waiting: new Set(rows.filter(({ answer }) => answer === null).map(({ n }) => decodeCount(n))),
      };
    },
    withdraw: async (process) => {
      await state.write((run) => run({ text: `DELETE FROM ${table} WHERE process = $1 AND answer IS NULL`, values: [Buffer.from(process)] }));
    },
    sweep: async (now) => {
      await state.write((run) => run({ text: `DELETE FROM ${table} WHERE answer IS NOT NULL AND at < $1`, values: [Math.floor(now) - answerLifeMs] }));
    },
    close: () => state.close(),
  };
}

function encodeIntent({ op, args }: Intent): Buffer {
  if (op !== 'append') return encodePlain({ op, args });
  const { bytes, openings } = args[0] as QueuedEntry;
  return encodePlain({ op, args: [{ bytes, openings }] });
}

/** @throws {@link StoreError} `TALOS_STORE_WRITE_FAILED`. */
function requireFit(row: Buffer): Buffer {
  if (row.length < maxRowBytes) return row;
  throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the queue of the audit log holds rows of 255 MiB at most: commit to less in one entry' });
}

/** A row that says another hash or other keys than its bytes have would break the log for good: they are not read, but computed. */
function decodeIntent(row: Uint8Array): PendingIntent['intent'] {
  try {
    const { op, args } = decodePlain(row) as Intent;
    if (op !== 'append') return { op, args };
    const { bytes, openings } = args[0] as QueuedEntry;
    if (!openings.every(isOpening)) throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'a queued entry has openings that are none' });
    const entry = parseEntry(bytes);
    return { op, args: [{ id: entry.id, bytes, leafHash: hashLeaf(bytes), keys: lookupKeys(entry), openings }] };
  } catch {
    return { op: 'malformed', args: [] };
  }
}

function isOpening(value: unknown): boolean {
  const { field, salt, payload } = value as { readonly field?: unknown; readonly salt?: unknown; readonly payload?: unknown };
  return typeof field === 'string' && salt instanceof Uint8Array && salt.length === 32 && payload instanceof Uint8Array;
}

/** For `PostgresState.read` of a queue's own log: whether nobody writes it. */
export async function isWriterFree(state: PostgresState, probe: string): Promise<boolean> {
  const [row] = await state.read({ text: probe });
  if (row?.['free'] === undefined) throw new StoreError({ code: 'TALOS_STORE_READ_FAILED', message: 'the server did not say whether the log has a writer' });
  return row['free'] === 'true';
}
