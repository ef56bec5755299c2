import type { DatabaseSync } from 'node:sqlite';
import { clockSkewSeconds } from '../capability/bounds.ts';
import { applyCharges, applySettlements, type LimitHorizon } from '../capability/limit-charge.ts';
import type { LimitRow, LimitStore } from '../capability/limit-store.ts';
import type { SqliteState } from './sqlite-state.ts';

/** Reservations between two sweeps of ended counters. */
const sweepEvery = 1000;

/** Counters in the state file: exact among all processes that have it open. */
export function sqliteLimitStore(state: SqliteState): LimitStore {
  let untilSweep = 0;
  return {
    reserve: (charges, nowMs) =>
      state.write((db) => {
        if (untilSweep-- <= 0) {
          untilSweep = sweepEvery;
          sweep(db, nowMs - clockSkewSeconds * 1000);
        }
        const rows = loadRows(db, charges);
        const result = applyCharges(charges, rows, { ...loadHorizon(db), nowMs });
        if (result.refusal !== undefined) return result.refusal;
        const until = new Map(charges.map((charge) => [charge.key, charge.until]));
        saveRows(
          db,
          [...result.rows].map(([key, row]) => ({ key, ...row, until: until.get(key) as number })),
        );
        return undefined;
      }),
    settle: (settlements) =>
      state.write((db) => {
        const update = db.prepare('UPDATE counter SET used = ?, held = ? WHERE key = ?');
        for (const [key, { used, held }] of applySettlements(settlements, loadRows(db, settlements))) update.run(used, held, key);
      }),
  };
}

function loadHorizon(db: DatabaseSync): LimitHorizon {
  // Without its row the file is not what was created: nothing older than the end of time is known.
  return (db.prepare('SELECT since, purged AS purgedBefore FROM meta').get() as LimitHorizon | undefined) ?? { since: Infinity, purgedBefore: Infinity };
}

function loadRows(db: DatabaseSync, charges: readonly { readonly key: string }[]): Map<string, LimitRow> {
  const find = db.prepare('SELECT used, held, at FROM counter WHERE key = ?');
  const rows = new Map<string, LimitRow>();
  for (const { key } of charges) {
    const row = find.get(key) as LimitRow | undefined;
    if (row !== undefined) rows.set(key, row);
  }
  return rows;
}

function saveRows(db: DatabaseSync, rows: readonly (LimitRow & { readonly key: string; readonly until: number })[]): void {
  const save = db.prepare(
    'INSERT INTO counter (key, used, held, at, until) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET used = excluded.used, held = excluded.held, at = excluded.at, until = max(until, excluded.until)',
  );
  for (const { key, used, held, at, until } of rows) save.run(key, used, held, at, until);
}

function sweep(db: DatabaseSync, before: number): void {
  if (db.prepare('DELETE FROM counter WHERE until <= ?').run(before).changes === 0) return;
  db.prepare('UPDATE meta SET purged = max(purged, ?)').run(before);
}
