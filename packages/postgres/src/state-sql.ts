/** The tables of sessions and of rights beside a log, and how they come to be. @module */
import { creationLock, requireLogName } from './audit-sql.ts';

/** Numbers that the database keeps: raised when a table changes; another number is refused. */
const formatVersion = 1;

/** "talp": the locks of rights, apart from the writers' of logs. The second half is the schema's OID. */
const lockSpace = '(1952541808::bigint << 32)';

/** Groups of tables, each made when it is first needed: a schema of an older Talos gets what it lacks. */
export type StatePart = 'sessions' | 'rights' | 'queue';

/**
 * Text is bytea: compared and sorted by bytes whatever the database's collation, and kept whatever its encoding. `place` is a number that a
 * commit draws, `n` the row's place in it.
 */
const tables: Readonly<Record<StatePart, readonly string[]>> = {
  sessions: [
    'session (seq bigint PRIMARY KEY, agent bytea NOT NULL, id bytea NOT NULL, peer bytea NOT NULL, version bigint NOT NULL, state bytea NOT NULL, UNIQUE (agent, id))',
    'skipped (session bigint NOT NULL, chain bigint NOT NULL, number bigint NOT NULL, key bytea NOT NULL, stored_at bigint NOT NULL, PRIMARY KEY (session, chain, number))',
    'opened (session bigint NOT NULL, name bytea NOT NULL, header bytea NOT NULL, place bigint NOT NULL, n integer NOT NULL, PRIMARY KEY (session, name), UNIQUE (session, place, n))',
    'outbox (agent bytea NOT NULL, id bytea NOT NULL, session bytea NOT NULL, version bigint NOT NULL, peer bytea NOT NULL, frame bytea NOT NULL, place bigint NOT NULL, n integer NOT NULL, PRIMARY KEY (agent, id))',
    'inbox (agent bytea NOT NULL, id bytea NOT NULL, session bytea NOT NULL, version bigint NOT NULL, peer bytea NOT NULL, contents bytea NOT NULL, frame_bytes bigint NOT NULL, received_at bigint NOT NULL, place bigint NOT NULL, n integer NOT NULL, PRIMARY KEY (agent, id))',
    'kept (agent bytea NOT NULL, id bytea NOT NULL, session bytea NOT NULL, peer bytea NOT NULL, contents bytea NOT NULL, kept_at bigint NOT NULL, place bigint NOT NULL, n integer NOT NULL, PRIMARY KEY (agent, id))',
    'prekey (agent bytea NOT NULL, kind text NOT NULL, id bigint NOT NULL, secret bytea NOT NULL, not_after bigint NOT NULL, PRIMARY KEY (agent, kind, id))',
    'ephemeral (agent bytea NOT NULL, prekey bigint NOT NULL, key bytea NOT NULL, PRIMARY KEY (agent, prekey, key))',
  ],
  rights: [
    'counter (key bytea PRIMARY KEY, used bigint NOT NULL, held bigint NOT NULL, at bigint NOT NULL, until bigint NOT NULL)',
    'proof (id bytea PRIMARY KEY, until bigint NOT NULL)',
    'approval_request (id bytea PRIMARY KEY, place bytea NOT NULL, body bytea NOT NULL, until bigint NOT NULL)',
    'approval_answer (request bytea NOT NULL, approver bytea NOT NULL, token bytea NOT NULL, PRIMARY KEY (request, approver))',
    'revocation_list (issuer bytea PRIMARY KEY, size bigint NOT NULL, head bytea NOT NULL)',
    'revocation_segment (issuer bytea NOT NULL, seq bigint NOT NULL, token bytea NOT NULL, PRIMARY KEY (issuer, seq))',
    'agent (did bytea PRIMARY KEY)',
    'peer (owner bytea NOT NULL, did bytea NOT NULL, revision bigint NOT NULL, refused boolean NOT NULL, body bytea NOT NULL, PRIMARY KEY (owner, did))',
  ],
  queue: ['intent (n bigserial PRIMARY KEY, process bytea NOT NULL, at bigint NOT NULL, intent bytea NOT NULL, answer bytea)'],
};

const indexes: Readonly<Record<StatePart, readonly string[]>> = {
  sessions: ['session (agent, peer, seq)', 'kept (agent, peer)'],
  rights: ['counter (until)', 'proof (until)', 'approval_request (place)'],
  queue: ['intent (process, n)', 'intent (n) WHERE answer IS NULL'],
};

/** One row for each part. `since` is the time of the process that made it: the server's clock decides nothing. */
const markers: Readonly<Record<StatePart, string>> = {
  sessions: 'session_format (one boolean PRIMARY KEY CHECK (one), format integer NOT NULL)',
  queue: 'queue_format (one boolean PRIMARY KEY CHECK (one), format integer NOT NULL)',
  rights:
    'rights (one boolean PRIMARY KEY CHECK (one), format integer NOT NULL, since bigint NOT NULL, purged bigint NOT NULL, changes bigint NOT NULL, latest bigint NOT NULL)',
};

const nameOf = (definition: string): string => definition.slice(0, definition.indexOf(' '));

export type StateSql = ReturnType<typeof stateSql>;

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a name that is no schema's. */
export function stateSql(home: string) {
  const name = requireLogName(home);
  const schema = `"${name}"`;
  const oid = `'${schema}'::regnamespace::oid::bigint`;
  return {
    schema,
    creationLock: `SELECT pg_advisory_xact_lock(${creationLock})`,
    /** From the catalogue's tables: `to_regclass` may answer from before the lock was waited for. */
    exists: (part: StatePart) => `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${name}')::text AS schema,
      EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '${name}' AND c.relname = '${nameOf(markers[part])}')::text AS tables`,
    createSchema: `CREATE SCHEMA ${schema}`,
    create: (part: StatePart, sinceMs: number) =>
      [
        ...[...tables[part], markers[part]].map((table) => `CREATE TABLE ${schema}.${table}`),
        ...indexes[part].map((index) => `CREATE INDEX ON ${schema}.${index}`),
        ...(part === 'sessions' ? [`CREATE SEQUENCE ${schema}.commit_place`] : []),
        `INSERT INTO ${schema}.${nameOf(markers[part])} VALUES (true, ${formatVersion}${part === 'rights' ? `, ${sinceMs}, 0, 0, 0` : ''})`,
      ].join(';'),
    /** A crash empties an unlogged table. */
    check: (part: StatePart) => `SELECT (format = ${formatVersion})::text AS format,
      (SELECT count(*) FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relname = ANY ('{${tables[part].map(nameOf).join(',')},${nameOf(markers[part])}}') AND relpersistence <> 'p')::text AS unlogged
      FROM ${schema}.${nameOf(markers[part])}`,
    /** Held by whoever counts, alone by who forgets what has ended: nobody counts anew what another is dropping. Ends with the transaction. */
    countingLock: `SELECT pg_advisory_xact_lock_shared(${lockSpace} | ${oid})`,
    forgettingLock: `SELECT pg_advisory_xact_lock(${lockSpace} | ${oid})`,
  } as const;
}
