/** Every statement on the tables of sessions. @module */

/** All are of one agent ($1), except those on what hangs on a session's own number. */
export function sessionSql(schema: string) {
  const byAgent = `WHERE agent = $1`;
  const removal = (table: string): string => `DELETE FROM ${schema}.${table} ${byAgent} AND id = ANY ($2::bytea[])`;
  return {
    /** One statement, so one moment: the state, and the keys that were skipped up to it. */
    load: `SELECT version::text, encode(state, 'hex') AS state, NULL AS chain, NULL AS number, NULL AS key, NULL AS stored_at FROM ${schema}.session ${byAgent} AND id = $2
      UNION ALL SELECT NULL, NULL, chain::text, number::text, encode(key, 'hex'), stored_at::text FROM ${schema}.skipped
      WHERE session = (SELECT seq FROM ${schema}.session ${byAgent} AND id = $2)`,
    sessionsWith: `SELECT encode(id, 'hex') AS id FROM ${schema}.session ${byAgent} AND peer = $2 ORDER BY seq`,
    opened: `SELECT encode(header, 'hex') AS header FROM ${schema}.opened JOIN ${schema}.session ON opened.session = session.seq ${byAgent} AND session.id = $2 AND name = $3`,
    outbox: `SELECT encode(id, 'hex') AS id, encode(session, 'hex') AS session, version::text, encode(peer, 'hex') AS peer, encode(frame, 'hex') AS frame
      FROM ${schema}.outbox ${byAgent} ORDER BY place, n`,
    inbox: `SELECT encode(id, 'hex') AS id, encode(session, 'hex') AS session, version::text, encode(peer, 'hex') AS peer, encode(contents, 'hex') AS contents,
      frame_bytes::text, received_at::text FROM ${schema}.inbox ${byAgent} ORDER BY place, n`,
    kept: `SELECT encode(id, 'hex') AS id, encode(session, 'hex') AS session, encode(contents, 'hex') AS contents, kept_at::text
      FROM ${schema}.kept ${byAgent} AND peer = $2 ORDER BY place, n`,
    /** No row if it is there already. A number is drawn while the session's row is held: they ascend with its versions. */
    insertSession: `WITH place AS (SELECT nextval('${schema}.commit_place') AS place)
      INSERT INTO ${schema}.session (seq, agent, id, peer, version, state) SELECT place, $1, $2, $3, 1, $4 FROM place ON CONFLICT (agent, id) DO NOTHING RETURNING seq::text, seq::text AS place`,
    /** No row if its version is another: compared again after whoever held the row is done. */
    updateSession: `UPDATE ${schema}.session SET version = version + 1, state = $4 ${byAgent} AND id = $2 AND version = $3 RETURNING seq::text, nextval('${schema}.commit_place')::text AS place`,
    deleteSession: `DELETE FROM ${schema}.session ${byAgent} AND id = $2 RETURNING seq::text`,
    deleteMemory: `WITH skipped AS (DELETE FROM ${schema}.skipped WHERE session = $1) DELETE FROM ${schema}.opened WHERE session = $1`,
    /** $1 the session's number, $2 … its skipped keys that come, $6 … those that go: no key is in both. */
    saveSkipped: `WITH gone AS (DELETE FROM ${schema}.skipped USING unnest($6::bigint[], $7::bigint[]) AS old (chain, number)
        WHERE skipped.session = $1 AND skipped.chain = old.chain AND skipped.number = old.number)
      INSERT INTO ${schema}.skipped (session, chain, number, key, stored_at) SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[])
      ON CONFLICT (session, chain, number) DO UPDATE SET key = excluded.key, stored_at = excluded.stored_at`,
    saveOpened: `INSERT INTO ${schema}.opened (session, place, name, header, n) SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[]) WITH ORDINALITY
      ON CONFLICT (session, name) DO NOTHING RETURNING n::text`,
    sweepOpened: `DELETE FROM ${schema}.opened WHERE session = $1 AND (place, n) <=
      (SELECT place, n FROM ${schema}.opened WHERE session = $1 ORDER BY place DESC, n DESC LIMIT 1 OFFSET $2)`,
    consumePair: `DELETE FROM ${schema}.prekey ${byAgent} AND kind = 'oneTime' AND id = $2 RETURNING id::text`,
    saveEphemeral: `INSERT INTO ${schema}.ephemeral (agent, prekey, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING prekey::text`,
    deleteKept: `DELETE FROM ${schema}.kept ${byAgent} AND peer = $2 AND id = ANY ($3::bytea[])`,
    saveKept: `INSERT INTO ${schema}.kept (agent, place, id, session, peer, contents, kept_at, n)
      SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bigint[]) WITH ORDINALITY ON CONFLICT DO NOTHING`,
    saveOutbox: `INSERT INTO ${schema}.outbox (agent, place, id, session, version, peer, frame, n)
      SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bytea[]) WITH ORDINALITY ON CONFLICT DO NOTHING`,
    saveInbox: `INSERT INTO ${schema}.inbox (agent, place, id, session, version, peer, contents, frame_bytes, received_at, n)
      SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bigint[], $9::bigint[]) WITH ORDINALITY ON CONFLICT DO NOTHING`,
    deleteOutbox: removal('outbox'),
    deleteInbox: removal('inbox'),
    sweepKept: `DELETE FROM ${schema}.kept ${byAgent} AND kept_at < $2`,
    savePrekeys: `INSERT INTO ${schema}.prekey (agent, kind, id, secret, not_after) SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::bigint[])
      ON CONFLICT DO NOTHING RETURNING id::text`,
    prekeys: `SELECT kind, id::text, encode(secret, 'hex') AS secret, not_after::text FROM ${schema}.prekey ${byAgent} AND kind = $2 AND ($3::bigint IS NULL OR id = $3)`,
    deletePrekeys: `DELETE FROM ${schema}.prekey USING unnest($2::text[], $3::bigint[]) AS old (kind, id) ${byAgent} AND prekey.kind = old.kind AND prekey.id = old.id`,
    deleteEphemerals: `DELETE FROM ${schema}.ephemeral ${byAgent} AND prekey = ANY ($2::bigint[])`,
  } as const;
}
