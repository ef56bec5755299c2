import type { ApprovalStore, StoredRequest } from '@talosprotocol/core/capability';
import type { Row } from './connection.ts';
import type { PostgresState } from './postgres-state.ts';
import { decodeStateCount, decodeStateText, textBytes, wholeMs } from './state-values.ts';

/** Requests and answers in tables. */
export function postgresApprovalStore(state: PostgresState): ApprovalStore {
  const { schema } = state.sql;
  const select = `SELECT encode(id, 'hex') AS id, encode(place, 'hex') AS place, encode(body, 'hex') AS body, until::text FROM ${schema}.approval_request`;
  const removeAnswers = `DELETE FROM ${schema}.approval_answer WHERE request`;
  return {
    addRequest: ({ id, place, body, until }, nowMs) =>
      state.write(async (run) => {
        const ended = Math.floor(Math.max(0, nowMs));
        // The requests first: whoever answers one holds it, and its answer is then here to be removed.
        const gone = await run({ text: `DELETE FROM ${schema}.approval_request WHERE until <= $1 RETURNING encode(id, 'hex') AS id`, values: [ended] });
        if (gone.length > 0) await run({ text: `${removeAnswers} = ANY ($1::bytea[])`, values: [gone.map((row) => Buffer.from(row['id'] ?? '', 'hex'))] });
        await run({
          text: `INSERT INTO ${schema}.approval_request (id, place, body, until) VALUES ($1, $2, $3, $4)`,
          values: [textBytes(id), textBytes(place), textBytes(body), wholeMs(until)],
        });
      }),
    request: async (id) => decodeRequests(await state.read({ text: `${select} WHERE approval_request.id = $1`, values: [textBytes(id)] }))[0],
    requests: async (place) =>
      decodeRequests(
        await state.read({
          text: `${select} WHERE $1::bytea IS NULL OR approval_request.place = $1 ORDER BY approval_request.until, approval_request.id`,
          values: [place === undefined ? null : textBytes(place)],
        }),
      ),
    removeRequest: (id) =>
      state.write(async (run) => {
        await run({ text: `DELETE FROM ${schema}.approval_request WHERE id = $1`, values: [textBytes(id)] });
        await run({ text: `${removeAnswers} = $1`, values: [textBytes(id)] });
      }),
    addAnswer: ({ request, approver, token }) =>
      state.write(async (run) => {
        // Held until the answer is there: a request that goes at the same time takes it along, or is gone first.
        const there = await run({ text: `SELECT 'there' FROM ${schema}.approval_request WHERE id = $1 FOR SHARE`, values: [textBytes(request)] });
        if (there.length === 0) return false;
        const values = [textBytes(request), textBytes(approver), textBytes(token)];
        const text = `INSERT INTO ${schema}.approval_answer (request, approver, token) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 'kept'`;
        return (await run({ text, values })).length === 1;
      }),
    answers: async (request) => {
      const text = `SELECT encode(approver, 'hex') AS approver, encode(token, 'hex') AS token FROM ${schema}.approval_answer WHERE request = $1`;
      const rows = await state.read({ text, values: [textBytes(request)] });
      return rows.map(({ approver, token }) => ({ request, approver: decodeStateText(approver), token: decodeStateText(token) }));
    },
  };
}

function decodeRequests(rows: readonly Row[]): StoredRequest[] {
  return rows.map(({ id, place, body, until }) => ({
    id: decodeStateText(id),
    place: decodeStateText(place),
    body: decodeStateText(body),
    until: decodeStateCount(until),
  }));
}
