import { StoreError } from '@talosprotocol/core/errors';
import type { AgentId } from '@talosprotocol/core/identity';
import { corruptState, type PostgresState } from './postgres-state.ts';
import { decodeStateText, textBytes, type Column } from './state-values.ts';

/** What such a store reads of a peer; the rest is kept as it is. */
export type StoredPeer = { readonly did: AgentId; readonly revision: number; readonly isRefused: boolean; readonly history?: readonly unknown[] };

/** What agents know of their peers' keys, in a table. Whoever reads a history verifies it. */
export function postgresTrustStore<Peer extends StoredPeer>(state: PostgresState) {
  const { schema } = state.sql;
  const select = `SELECT encode(body, 'hex') AS body FROM ${schema}.peer`;
  return {
    load: async (owner: AgentId, did: AgentId): Promise<Peer | undefined> => {
      const [row] = await state.read({ text: `${select} WHERE owner = $1 AND did = $2`, values: [textBytes(owner), textBytes(did)] });
      return row && (decodePeer(row['body']) as Peer);
    },
    all: async (owner?: AgentId): Promise<readonly Peer[]> => {
      const rows = await state.read({ text: `${select} WHERE $1::bytea IS NULL OR owner = $1`, values: [owner === undefined ? null : textBytes(owner)] });
      return rows.map(({ body }) => decodePeer(body) as Peer);
    },
    isRefused: async (owner: AgentId, did: AgentId): Promise<boolean> => {
      const text = `SELECT refused::text FROM ${schema}.peer WHERE owner = $1 AND did = $2`;
      const [row] = await state.read({ name: 'peer-refused', text, values: [textBytes(owner), textBytes(did)] });
      return row !== undefined && row['refused'] !== 'false';
    },
    save: (owner: AgentId, peer: Peer): Promise<void> =>
      state.write(async (run) => {
        const values = [textBytes(owner), textBytes(peer.did), peer.revision, peer.isRefused, textBytes(JSON.stringify(peer))];
        const text =
          peer.revision === 1
            ? `INSERT INTO ${schema}.peer (owner, did, revision, refused, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 'saved'`
            : `UPDATE ${schema}.peer SET revision = $3, refused = $4, body = $5 WHERE owner = $1 AND did = $2 AND revision = $3 - 1 RETURNING 'saved'`;
        if ((await run({ text, values })).length === 1) {
          // Other processes of this home hear before their next decision whose keys changed.
          if (peer.isRefused || (peer.history?.length ?? 0) > 1) await run({ text: `UPDATE ${schema}.rights SET changes = changes + 1` });
          return;
        }
        throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another writer knew more of this peer first: load again', retryable: true });
      }),
  };
}

function decodePeer(body: Column): unknown {
  try {
    return JSON.parse(decodeStateText(body));
  } catch {
    throw corruptState('what is known of a peer is no JSON');
  }
}
