import type { ApprovalStore, StoredAnswer, StoredRequest } from '../capability/approval-store.ts';
import type { SqliteState } from './sqlite-state.ts';

/** Requests and answers in the state file. */
export function sqliteApprovalStore(state: SqliteState): ApprovalStore {
  return {
    addRequest: ({ id, place, body, until }, nowMs) =>
      state.write((db) => {
        db.prepare('DELETE FROM approval_answer WHERE request IN (SELECT id FROM approval_request WHERE until <= ?)').run(nowMs);
        db.prepare('DELETE FROM approval_request WHERE until <= ?').run(nowMs);
        db.prepare('INSERT INTO approval_request (id, place, body, until) VALUES (?, ?, ?, ?)').run(id, place, body, until);
      }),
    request: async (id) =>
      state.read((db) => db.prepare('SELECT id, place, body, until FROM approval_request WHERE id = ?').get(id) as StoredRequest | undefined),
    requests: async (place) =>
      state.read((db) => {
        const columns = 'SELECT id, place, body, until FROM approval_request';
        const rows = place === undefined ? db.prepare(`${columns} ORDER BY until`).all() : db.prepare(`${columns} WHERE place = ? ORDER BY until`).all(place);
        return rows as unknown as StoredRequest[];
      }),
    removeRequest: (id) =>
      state.write((db) => {
        db.prepare('DELETE FROM approval_answer WHERE request = ?').run(id);
        db.prepare('DELETE FROM approval_request WHERE id = ?').run(id);
      }),
    addAnswer: ({ request, approver, token }) =>
      state.write((db) => {
        if (db.prepare('SELECT id FROM approval_request WHERE id = ?').get(request) === undefined) return false;
        return (
          db.prepare('INSERT INTO approval_answer (request, approver, token) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(request, approver, token).changes ===
          1
        );
      }),
    answers: async (request) =>
      state.read((db) => db.prepare('SELECT request, approver, token FROM approval_answer WHERE request = ?').all(request) as unknown as StoredAnswer[]),
  };
}
