import type { ClockStore } from '../client/home-clock.ts';
import type { SqliteState } from './sqlite-state.ts';

/** The latest time that was seen, in the state file. */
export function sqliteClockStore(state: SqliteState): ClockStore {
  return {
    load: async () => state.read((db) => (db.prepare('SELECT latest FROM clock').get() as { latest: number } | undefined)?.latest ?? 0),
    advance: (toMs) =>
      state.write((db) => {
        const raise = 'INSERT INTO clock (one, latest) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET latest = max(latest, excluded.latest) RETURNING latest';
        return (db.prepare(raise).get(toMs) as { latest: number }).latest;
      }),
  };
}
