import type { DatabaseSync } from 'node:sqlite';
import { clockSkewSeconds } from '../capability/bounds.ts';
import type { ReplayStore } from '../capability/replay-store.ts';
import type { SqliteState } from './sqlite-state.ts';

/** Proofs between two sweeps of ended ones. */
const sweepEvery = 1000;

/** Seen proofs in the state file: a restart forgets none. */
export function sqliteReplayStore(state: SqliteState): ReplayStore {
  let untilSweep = 0;
  return {
    add: ({ id, from, until }, nowMs) =>
      state.write((db) => {
        if (untilSweep-- <= 0) {
          untilSweep = sweepEvery;
          sweep(db, nowMs - clockSkewSeconds * 1000);
        }
        const meta = db.prepare('SELECT since, purged FROM meta').get() as { since: number; purged: number } | undefined;
        if (meta === undefined || from < meta.since || until <= meta.purged) return 'unknown';
        return db.prepare('INSERT INTO proof (id, until) VALUES (?, ?) ON CONFLICT (id) DO NOTHING').run(id, until).changes === 1 ? 'new' : 'seen';
      }),
  };
}

function sweep(db: DatabaseSync, before: number): void {
  if (db.prepare('DELETE FROM proof WHERE until <= ?').run(before).changes === 0) return;
  db.prepare('UPDATE meta SET purged = max(purged, ?)').run(before);
}
