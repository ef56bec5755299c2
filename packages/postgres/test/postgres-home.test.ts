import { randomBytes } from 'node:crypto';
import { TalosClient, eq } from '@talosprotocol/core';
import { memoryKeyStore } from '@talosprotocol/core/identity';
import { memorySignedHeads, verifyEntryProof } from '@talosprotocol/core/audit';
import { describe, expect, it } from 'vitest';
import { postgresHome, type PostgresHomeOptions } from '../src/postgres-home.ts';
import { caught, freshLog, noServer, sql, url } from './support.ts';

const providerOf = (key: Uint8Array) => async () => key;

describe('options of a home', () => {
  it('[PG-HOME-OPTIONS] keys are never in clear: exactly one of passphrase, keyProvider and keys is given', async () => {
    const bad: readonly unknown[] = [
      undefined,
      {},
      { passphrase: '' },
      { passphrase: 'a', keyProvider: providerOf(randomBytes(32)) },
      { keys: null },
      { keys: {} },
    ];
    for (const options of bad) expect((await caught(() => postgresHome(url, options as PostgresHomeOptions))).code).toBe('TALOS_USAGE_OPTIONS');
    for (const bad of ['', undefined]) expect((await caught(() => postgresHome(bad as never, { passphrase: 'a' }))).code).toBe('TALOS_USAGE_OPTIONS');
    expect((await caught(() => postgresHome(url, { passphrase: 'a', log: 'No' }))).code).toBe('TALOS_USAGE_ARGUMENT');
  });
});

describe.skipIf(noServer !== undefined)(`a home in PostgreSQL${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-HOME] an agent is the same after a restart, guards its tools, and its log goes on', async () => {
    const home = { log: freshLog(), keyProvider: providerOf(randomBytes(32)) };
    const first = await TalosClient.create('mailer', { stores: postgresHome(url, home) });
    const capability = await first.grant({ to: first.did, for: '15m', tools: { send: { to: eq('ops') } } });
    const guard = first.guard({ capability });
    expect(await guard.run({ tool: 'send', input: { to: 'ops' } }, () => 'sent')).toMatchObject({ status: 'ok', value: 'sent' });
    expect(await guard.run({ tool: 'send', input: { to: 'eve' } }, () => 'sent')).toMatchObject({ status: 'denied' });
    const { did, log } = first;
    const { verifierKey, size } = log;
    await first.close();
    const again = await TalosClient.create('mailer', { stores: postgresHome(url, home) });
    expect(again.did).toBe(did);
    expect(again.log.verifierKey).toBe(verifierKey);
    expect(again.log.size).toBe(size + 2);
    expect(verifyEntryProof(await again.log.proveInclusion(1), verifierKey).index).toBe(1);
    await again.close();
  });

  it('[PG-HOME-SHARED] clients of one process share the log, and what they have when it is closed is opened anew', async () => {
    const options = { log: freshLog(), keyProvider: providerOf(randomBytes(32)) };
    const [a, b] = await Promise.all(['a', 'b'].map((name) => TalosClient.create(name, { stores: postgresHome(url, options) })));
    expect(a!.log.verifierKey).toBe(b!.log.verifierKey);
    await a!.close();
    expect((await b!.log.entry(0)).entry.type).toBe('gap');
    await b!.close();
    const c = await TalosClient.create('a', { stores: postgresHome(url, options) });
    expect(c.did).toBe(a!.did);
    await c.close();
  });

  it('[PG-HOME-SEALED] the table shows nothing of a key, another key does not open it, and a record under another name does not either', async () => {
    const log = freshLog();
    const key = randomBytes(32);
    const { keys } = postgresHome(url, { log, keyProvider: providerOf(key) });
    const secret = new Uint8Array(randomBytes(32));
    expect(await keys.load('agent.a')).toBeUndefined();
    await keys.save('agent.a', secret, 'absent');
    expect(await keys.load('agent.a')).toEqual(secret);
    const [row] = await sql(`SELECT encode(sealed, 'hex') AS sealed FROM "${log}".key_record`);
    expect(row!['sealed']).toMatch(/^54414c4f534b4559/);
    expect(row!['sealed']).not.toContain(Buffer.from(secret.subarray(0, 8)).toString('hex'));
    const thief = postgresHome(url, { log, keyProvider: providerOf(randomBytes(32)) }).keys;
    expect(await caught(() => thief.load('agent.a'))).toMatchObject({ code: 'TALOS_IDENTITY_LOCKED' });
    await sql(`UPDATE "${log}".key_record SET name = 'agent.b'`);
    expect(await caught(() => keys.load('agent.b'))).toMatchObject({ code: 'TALOS_IDENTITY_LOCKED' });
  });

  it('[PG-HOME-KEYS] a key is saved once as absent, replaced only if it is there, and of several first writers one wins', async () => {
    const { keys } = postgresHome(url, { log: freshLog(), keyProvider: providerOf(randomBytes(32)) });
    expect(await caught(() => keys.save('log', randomBytes(32), 'present'))).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
    const first = Array.from({ length: 4 }, (_, n) => keys.save('log', new Uint8Array(32).fill(n), 'absent'));
    const won = (await Promise.allSettled(first)).findIndex(({ status }) => status === 'fulfilled');
    expect((await Promise.allSettled(first)).filter(({ status }) => status === 'fulfilled').length).toBe(1);
    expect(await keys.load('log')).toEqual(new Uint8Array(32).fill(won));
    await keys.save('log', new Uint8Array(32).fill(9), 'present');
    expect(await keys.load('log')).toEqual(new Uint8Array(32).fill(9));
  });

  it('[PG-HOME-HEADS] a database that was restored from an older copy is refused when heads are kept apart from it', async () => {
    const options = { log: freshLog(), keys: memoryKeyStore(), heads: memorySignedHeads() };
    const client = await TalosClient.create('a', { stores: postgresHome(url, options) });
    await client.log.checkpoint();
    await client.close();
    await sql(`DELETE FROM "${options.log}".entry; DELETE FROM "${options.log}".checkpoint; UPDATE "${options.log}".head SET size = 0, root = sha256('')`);
    expect(await caught(() => TalosClient.create('a', { stores: postgresHome(url, options) }))).toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
  });

  it('[PG-HOME] keys may be kept elsewhere: then none is in the database', async () => {
    const log = freshLog();
    const client = await TalosClient.create('a', { stores: postgresHome(url, { log, keys: memoryKeyStore() }) });
    await client.close();
    const tables = await sql('SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = $2 ORDER BY 1', [log, 'r']);
    expect(tables.map(({ relname }) => relname)).toContain('entry');
    expect(tables.map(({ relname }) => relname)).not.toContain('key_record');
  });
});
