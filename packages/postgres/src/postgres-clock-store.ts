import type { ClockStore } from '@talosprotocol/core';
import { corruptState, type PostgresState } from './postgres-state.ts';
import { decodeStateCount, wholeMs } from './state-values.ts';

/** The latest time that any process of the home has seen. The server's own clock is never asked. */
export function postgresClockStore(state: PostgresState): ClockStore {
  const { schema } = state.sql;
  return {
    load: async () => markOf(await state.read({ text: `SELECT latest::text FROM ${schema}.rights` })),
    advance: (toMs) =>
      state.write(async (run) =>
        markOf(await run({ text: `UPDATE ${schema}.rights SET latest = greatest(latest, $1) RETURNING latest::text`, values: [wholeMs(toMs)] })),
      ),
  };
}

function markOf([row]: readonly { readonly latest?: string | null }[]): number {
  if (row === undefined) throw corruptState('its beginning is gone');
  return decodeStateCount(row.latest);
}
