import type { RevocationStore } from '../capability/revocation-store.ts';
import { StoreError } from '../errors/store-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { SqliteState } from './sqlite-state.ts';

/** Revocation lists in the state file. */
export function sqliteRevocationStore(state: SqliteState): RevocationStore {
  const versionOf = versionReader(state);
  return {
    version: versionOf,
    agents: async () =>
      state.read((db) =>
        db
          .prepare('SELECT did FROM agent ORDER BY did')
          .all()
          .map(({ did }) => did as AgentId),
      ),
    addAgent: (agent) => state.write((db) => void db.prepare('INSERT OR IGNORE INTO agent (did) VALUES (?)').run(agent)),
    load: async () =>
      state.read((db) => {
        const lists = db.prepare('SELECT issuer, head FROM revocation_list').all() as { issuer: string; head: string }[];
        const segments = db.prepare('SELECT token FROM revocation_segment WHERE issuer = ? ORDER BY seq');
        return lists.map(({ issuer, head }) => ({ issuer, head, segments: segments.all(issuer).map(({ token }) => token as string) }));
      }),
    append: ({ issuer, expectedHead, segments, head }) =>
      state.write((db) => {
        const list = db.prepare('SELECT size, head FROM revocation_list WHERE issuer = ?').get(issuer) as { size: number; head: string } | undefined;
        if (list?.head !== expectedHead)
          throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another revocation was first: load and try again', retryable: true });
        const add = db.prepare('INSERT INTO revocation_segment (issuer, seq, token) VALUES (?, ?, ?)');
        const size = list?.size ?? 0;
        for (const [i, token] of segments.entries()) add.run(issuer, size + i, token);
        db.prepare(
          'INSERT INTO revocation_list (issuer, size, head) VALUES (?, ?, ?) ON CONFLICT (issuer) DO UPDATE SET size = excluded.size, head = excluded.head',
        ).run(issuer, size + segments.length, head);
      }),
  };
}

/**
 * `data_version` changes with any write of another connection, also of counters: what this is about is read only then. With the lists, which agents
 * joined and whose keys were learned to have changed.
 */
function versionReader(state: SqliteState): () => string {
  const prepare = () =>
    state.read((db) => ({
      file: db.prepare('PRAGMA data_version'),
      lists: db.prepare(
        "SELECT (SELECT count(*) FROM agent) || ' ' || (SELECT count(*) || ' ' || ifnull(sum(events), 0) FROM known_peer WHERE events > 1 OR events < 0) || ' ' || ifnull(group_concat(head, ' '), '') AS version FROM revocation_list",
      ),
    }));
  let statements: ReturnType<typeof prepare> | undefined;
  let file: unknown;
  let version = '';
  return () => {
    const { file: asked, lists } = (statements ??= prepare());
    return state.read(() => {
      const now = asked.get()?.['data_version'];
      if (now !== file) {
        version = lists.get()?.['version'] as string;
        file = now;
      }
      return version;
    });
  };
}
