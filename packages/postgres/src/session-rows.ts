/** Rows of sessions as the server gives them, checked. What is sealed is opened by whoever sealed it. @module */
import type { AgentId } from '@talosprotocol/core/identity';
import type { InboxRow, KeptRow, OutboxRow, StoredPrekey, StoredSession } from '@talosprotocol/core/session';
import type { Row } from './connection.ts';
import { corruptState } from './postgres-state.ts';
import { decodeStateBytes, decodeStateCount, decodeStateText } from './state-values.ts';

export function decodeSession(rows: readonly Row[]): StoredSession | undefined {
  const states = rows.filter(({ version }) => version !== null);
  if (rows.length === 0) return undefined;
  if (states.length !== 1) throw corruptState('a session has not one state');
  const skipped = rows.filter(({ version }) => version === null);
  return {
    version: decodeStateCount(states[0]?.['version']),
    state: decodeStateBytes(states[0]?.['state']),
    skipped: skipped.map((row) => ({
      chain: decodeStateCount(row['chain']),
      number: decodeStateCount(row['number']),
      messageKey: decodeStateBytes(row['key']),
      storedAt: decodeStateCount(row['stored_at']),
    })),
  };
}

export function decodeOutbox(rows: readonly Row[]): OutboxRow[] {
  return rows.map((row) => ({
    id: decodeStateText(row['id']),
    sessionId: decodeStateText(row['session']),
    sessionVersion: decodeStateCount(row['version']),
    to: decodeStateText(row['peer']) as AgentId,
    frame: decodeStateBytes(row['frame']),
  }));
}

export function decodeInbox(rows: readonly Row[]): InboxRow[] {
  return rows.map((row) => ({
    id: decodeStateText(row['id']),
    sessionId: decodeStateText(row['session']),
    sessionVersion: decodeStateCount(row['version']),
    from: decodeStateText(row['peer']) as AgentId,
    contents: decodeStateBytes(row['contents']),
    frameBytes: decodeStateCount(row['frame_bytes']),
    receivedAt: decodeStateCount(row['received_at']),
  }));
}

export function decodeKept(rows: readonly Row[], to: AgentId): KeptRow[] {
  return rows.map((row) => ({
    id: decodeStateText(row['id']),
    sessionId: decodeStateText(row['session']),
    to,
    contents: decodeStateBytes(row['contents']),
    keptAt: decodeStateCount(row['kept_at']),
  }));
}

export function decodePrekeys(rows: readonly Row[], kind: StoredPrekey['kind']): StoredPrekey[] {
  return rows.map((row) => ({ kind, id: decodeStateCount(row['id']), secret: decodeStateBytes(row['secret']), notAfter: decodeStateCount(row['not_after']) }));
}
