import type { AgentId } from '../identity/agent-id.ts';
import { trustConflict, type KnownPeer, type TrustStore } from '../identity/trust-store.ts';
import type { SqliteState } from './sqlite-state.ts';

const schema =
  'CREATE TABLE IF NOT EXISTS peer (owner TEXT NOT NULL, did TEXT NOT NULL, revision INTEGER NOT NULL, refused INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (owner, did)) STRICT, WITHOUT ROWID';

/** What agents know of their peers, in the state file. */
export async function sqliteTrustStore(state: SqliteState): Promise<TrustStore> {
  await state.write((db) => db.exec(schema));
  const refused = state.db.prepare('SELECT refused FROM peer WHERE owner = ? AND did = ?');
  return {
    load: async (owner, did) => state.read((db) => decode(db.prepare('SELECT body FROM peer WHERE owner = ? AND did = ?').get(owner, did))),
    all: async (owner) =>
      state.read((db) =>
        db
          .prepare('SELECT body FROM peer WHERE owner = ifnull(?, owner)')
          .all(owner ?? null)
          .map((row) => decode(row) as KnownPeer),
      ),
    isRefused: async (owner: AgentId, did: AgentId) => state.read(() => refused.get(owner, did)?.['refused'] === 1),
    save: (owner, peer) =>
      state.write((db) => {
        const present = db.prepare('SELECT revision FROM peer WHERE owner = ? AND did = ?').get(owner, peer.did) as { revision: number } | undefined;
        if ((present?.revision ?? 0) !== peer.revision - 1) throw trustConflict();
        const { did, revision, isRefused } = peer;
        db.prepare('INSERT OR REPLACE INTO peer (owner, did, revision, refused, body) VALUES (?, ?, ?, ?, ?)').run(
          owner,
          did,
          revision,
          isRefused ? 1 : 0,
          JSON.stringify(peer),
        );
      }),
  };
}

/** Its history is verified by whoever uses it. */
function decode(row: Record<string, unknown> | undefined): KnownPeer | undefined {
  return row === undefined ? undefined : (JSON.parse(row['body'] as string) as KnownPeer);
}
