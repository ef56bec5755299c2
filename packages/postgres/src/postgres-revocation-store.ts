import type { RevocationStore, StoredRevocations } from '@talosprotocol/core/capability';
import { StoreError } from '@talosprotocol/core/errors';
import type { AgentId } from '@talosprotocol/core/identity';
import { corruptState, type PostgresState, type Run } from './postgres-state.ts';
import { decodeStateCount, decodeStateText, textBytes } from './state-values.ts';

/** `hear`: asks the server whether anybody wrote; `version` then says what was heard. */
export type HeardRevocations = RevocationStore & { readonly hear: () => Promise<void> };

/** Revocation lists in tables. */
export function postgresRevocationStore(state: PostgresState): HeardRevocations {
  const { schema } = state.sql;
  let version = '';
  const changed = (run: Run): Promise<unknown> => run({ text: `UPDATE ${schema}.rights SET changes = changes + 1` });
  const hear = async (): Promise<void> => {
    const [row] = await state.read({ name: 'rights-changes', text: `SELECT changes::text FROM ${schema}.rights` });
    if (row === undefined) throw corruptState('its beginning is gone');
    version = row['changes'] ?? '';
  };
  return {
    version: () => version,
    hear: oneAtATime(hear),
    agents: async () => {
      const rows = await state.read({ text: `SELECT encode(did, 'hex') AS did FROM ${schema}.agent ORDER BY agent.did` });
      return rows.map(({ did }) => decodeStateText(did) as AgentId);
    },
    addAgent: (agent) =>
      state.write(async (run) => {
        const added = await run({ text: `INSERT INTO ${schema}.agent (did) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 'added'`, values: [textBytes(agent)] });
        if (added.length > 0) await changed(run);
      }),
    load: () => load(state),
    append: ({ issuer, expectedHead, segments, head }) =>
      state.write(async (run) => {
        // One writer at a time from here on: a list that is not there yet has no row to hold.
        await changed(run);
        const text = `SELECT size::text, encode(head, 'hex') AS head FROM ${schema}.revocation_list WHERE issuer = $1`;
        const [list] = await run({ text, values: [textBytes(issuer)] });
        if ((list && decodeStateText(list['head'])) !== expectedHead)
          throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another revocation was first: load and try again', retryable: true });
        const size = list === undefined ? 0 : decodeStateCount(list['size']);
        await run({
          text: `INSERT INTO ${schema}.revocation_segment (issuer, seq, token) SELECT $1, $2 + n - 1, token FROM unnest($3::bytea[]) WITH ORDINALITY AS new (token, n)`,
          values: [textBytes(issuer), size, segments.map(textBytes)],
        });
        await run({
          text: `INSERT INTO ${schema}.revocation_list (issuer, size, head) VALUES ($1, $2, $3) ON CONFLICT (issuer) DO UPDATE SET size = excluded.size, head = excluded.head`,
          values: [textBytes(issuer), size + segments.length, textBytes(head)],
        });
      }),
  };
}

/** One statement, so one moment: a head without its segments is never seen. */
async function load(state: PostgresState): Promise<readonly StoredRevocations[]> {
  const { schema } = state.sql;
  const rows = await state.read({
    text: `SELECT encode(l.issuer, 'hex') AS issuer, encode(l.head, 'hex') AS head, encode(s.token, 'hex') AS token
      FROM ${schema}.revocation_list l LEFT JOIN ${schema}.revocation_segment s ON s.issuer = l.issuer ORDER BY l.issuer, s.seq`,
  });
  const lists = new Map<string, { readonly issuer: string; readonly head: string; readonly segments: string[] }>();
  for (const row of rows) {
    const issuer = decodeStateText(row['issuer']);
    const list = lists.get(issuer) ?? { issuer, head: decodeStateText(row['head']), segments: [] };
    if (typeof row['token'] === 'string') list.segments.push(decodeStateText(row['token']));
    lists.set(issuer, list);
  }
  return [...lists.values()];
}

/** Many callers share a question, but never one that was asked before they came: its answer may be older than their call. */
function oneAtATime(ask: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        running = ask();
        return running;
      });
    return next;
  };
}
