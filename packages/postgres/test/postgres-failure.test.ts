import { createServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { asStoreError } from '../src/postgres-failure.ts';
import { openPostgresAuditStore, type PostgresAuditStoreOptions } from '../src/postgres-audit-store.ts';
import { caught, entry, freshLog, noServer, open, openStore, shut, url } from './support.ts';

const password = 'Tr0ub4dor-and-3';
const everything = (error: unknown): string => `${inspect(error, { depth: 10, showHidden: true })} ${JSON.stringify(error)} ${String((error as Error).stack)}`;

describe('errors of the store', () => {
  it('[PG-NO-CREDENTIALS] a password is in no error: bad URL, no server, a server that hangs up', async () => {
    const hangsUp = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => hangsUp.listen(0, '127.0.0.1', resolve));
    const { port } = hangsUp.address() as AddressInfo;
    const urls = [
      `postgres://user:${password}@127.0.0.1:1/test`,
      `postgres://user:${password}@127.0.0.1:${port}/test`,
      `postgres://user:${password}@[::bad/test`,
      `postgres://user:${password}@host:99999999/test`,
      `user:${password}@%%%`,
    ];
    for (const each of urls) {
      const error = await caught(() => openPostgresAuditStore({ url: each, timeoutMs: 500 }));
      expect(error.code, each).toMatch(/^TALOS_(STORE_READ_FAILED|USAGE_ARGUMENT)$/);
      expect(everything(error), each).not.toContain(password);
    }
    hangsUp.close();
  });

  it('[PG-CODED-ERRORS] a server that accepts and never answers gives a retryable error in time', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const error = await caught(() => openPostgresAuditStore({ url: `postgres://user@127.0.0.1:${port}/test`, timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'TALOS_STORE_READ_FAILED', retryable: true });
    silent.close();
  });

  it('[PG-CODED-ERRORS] an SQLSTATE decides the code, and neither message nor detail of the server is passed on', () => {
    const server = (code: unknown) => Object.assign(new Error('duplicate key (payload)=(secret)'), { code, detail: 'Failing row contains (secret)' });
    const cases: readonly (readonly [unknown, string, boolean])[] = [
      ['23505', 'TALOS_STORE_CORRUPT', false],
      ['42P01', 'TALOS_STORE_CORRUPT', false],
      ['XX001', 'TALOS_STORE_CORRUPT', false],
      ['55P03', 'TALOS_STORE_CONFLICT', true],
      ['53100', 'TALOS_STORE_READ_FAILED', true],
      ['57P03', 'TALOS_STORE_READ_FAILED', true],
      ['08006', 'TALOS_STORE_READ_FAILED', true],
      ['28P01', 'TALOS_STORE_READ_FAILED', false],
      ['99999', 'TALOS_STORE_READ_FAILED', false],
      ['ECONNREFUSED', 'TALOS_STORE_READ_FAILED', true],
      ['secret of\n the server', 'TALOS_STORE_READ_FAILED', true],
      [undefined, 'TALOS_STORE_READ_FAILED', true],
    ];
    for (const [state, code, retryable] of cases) {
      const error = asStoreError(server(state), 'TALOS_STORE_READ_FAILED');
      expect(error, String(state)).toMatchObject({ code, retryable });
      expect(everything(error)).not.toContain('secret');
    }
    expect(asStoreError(server('53100'), 'TALOS_STORE_WRITE_FAILED')).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED', retryable: false });
  });

  it('[PG-OPTIONS] options that cannot work are refused before a connection is made', async () => {
    const pool = new Pool({ max: 1 });
    const bad: readonly unknown[] = [
      undefined,
      {},
      { url: '' },
      { url: 7 },
      { url, pool: new Pool() },
      { pool: null },
      { pool: {} },
      { pool },
      { url, log: 'Talos' },
      { url, log: 'pg_talos' },
      { url, log: 'a"; DROP SCHEMA public; --' },
      { url, log: 'x'.repeat(64) },
      { url, log: '' },
      { url, timeoutMs: 0 },
      { url, timeoutMs: Number.NaN },
      { url, waitMs: 600_001 },
    ];
    for (const options of bad) {
      const error = await caught(() => openPostgresAuditStore(options as PostgresAuditStoreOptions));
      expect(error.code, inspect(options)).toMatch(/^TALOS_USAGE_(OPTIONS|ARGUMENT)$/);
    }
  });
});

describe('a server that breaks off while the store opens or closes', () => {
  it('[PG-CODED-ERRORS] gives a coded error wherever it breaks off', async () => {
    // A login without a password, and then nothing but the end: AuthenticationOk, ReadyForQuery.
    const login = Buffer.from('5200000008000000005a0000000549', 'hex');
    const breaksOff = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(login);
        socket.once('data', () => socket.destroy());
      });
    });
    await new Promise<void>((resolve) => breaksOff.listen(0, '127.0.0.1', resolve));
    const { port } = breaksOff.address() as AddressInfo;
    const error = await caught(() => openPostgresAuditStore({ url: `postgres://user@127.0.0.1:${port}/test`, timeoutMs: 500 }));
    expect(error).toMatchObject({ code: expect.stringMatching(/^TALOS_STORE_(READ|WRITE)_FAILED$/) });
    breaksOff.close();
  });
});

describe.skipIf(noServer !== undefined)(`a store on a real server${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-ONE-WRITER] a second writer is refused until the first has closed, and waits as long as it is told', async () => {
    const log = freshLog();
    const first = await openStore({ log });
    expect(await caught(() => openStore({ log, waitMs: 50 }))).toMatchObject({ code: 'TALOS_STORE_CONFLICT', retryable: true });
    const waiting = openStore({ log, waitMs: 10_000 });
    await first.loadHead();
    await first.close();
    await (await waiting).close();
    // Another log of the same database is nobody's business.
    const [one, two] = await Promise.all([openStore({ log }), openStore({ log: freshLog() })]);
    await Promise.all([one.close(), two.close()]);
  });

  it('[PG-FIRST-START] several processes that begin together make one set of tables', async () => {
    const log = freshLog();
    const opened = await Promise.all(Array.from({ length: 6 }, () => openStore({ log, waitMs: 10_000 }).then((store) => store.close())));
    expect(opened.length).toBe(6);
  });

  it('[PG-DURABLE-SETTINGS] commits wait for the disk whatever the connection was given', async () => {
    const pool = new Pool({ connectionString: url, max: 2, options: '-c synchronous_commit=off' });
    const log = freshLog();
    const { store, log: audit } = await open(log, { pool });
    expect((await audit.append(entry(1))).index).toBe(1);
    await shut({ store, log: audit });
    await pool.end();
  });

  it('[PG-DURABLE-SETTINGS] a writer whose commits no longer wait for the disk, or whose server process changed, writes nothing', async () => {
    for (const change of ["SET synchronous_commit = 'off'", 'another process']) {
      const log = freshLog();
      const pool = new Pool({ connectionString: url, max: 4 });
      const clients: { query: (text: string) => Promise<unknown> }[] = [];
      pool.on('acquire', (client) => clients.push(client));
      const store = await openPostgresAuditStore({ pool, log });
      const writer = clients[0]!;
      let giveBack = (): void => undefined;
      if (change === 'another process') {
        // As a pooler in transaction mode does: the next transaction runs elsewhere.
        const other = await pool.connect();
        Object.assign(writer, { query: other.query.bind(other) });
        giveBack = () => other.release();
      } else await writer.query(change);
      const head = await store.loadHead();
      const error = await caught(() => store.append({ expected: head, head, rows: [] }));
      expect(error, change).toMatchObject({ code: 'TALOS_STORE_CONFLICT', message: expect.stringMatching(/writer's place/) });
      expect(await caught(() => store.saveCheckpoint({ size: 1, note: 'x' })), change).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
      giveBack();
      await store.close();
      await pool.end();
    }
  });

  it('[PG-OWN-POOL] a pool that was passed in stays open, with none of the writer’s settings in it', async () => {
    const pool = new Pool({ connectionString: url, max: 2 });
    const store = await openPostgresAuditStore({ pool, log: freshLog() });
    await store.loadHead();
    await store.close();
    const { rows } = await pool.query("SELECT current_setting('search_path') AS path, current_setting('statement_timeout') AS timeout");
    expect(rows[0]).toMatchObject({ timeout: '0' });
    expect((rows[0] as { path: string }).path).toContain('public');
    await pool.end();
  });
});
