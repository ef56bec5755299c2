/**
 * An agent whose keys and log begin in a folder and move to PostgreSQL: same origin, same proofs. Needs a server: TALOS_TEST_POSTGRES_URL, or one
 * on 127.0.0.1 with trust; where none answers it says so and ends.
 * @module
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TalosClient, TalosError, subpath } from '@talosprotocol/core';
import { verifyEntryProof } from '@talosprotocol/core/audit';
import { fileKeyStore, nodeHome, openSqliteAuditStore } from '@talosprotocol/core/node';
import { migrateAuditLog, openPostgresAuditStore, postgresHome } from '@talosprotocol/postgres';
import { Client } from 'pg';

const url = process.env['TALOS_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';
const schema = `talos_example_${process.pid}`;
const dir = mkdtempSync(join(tmpdir(), 'talos-example-'));
const passphrase = 'correct horse battery staple';

try {
  await main();
} catch (error) {
  if (process.env['CI'] === 'true' || !TalosError.isInstance(error) || error.code !== 'TALOS_STORE_READ_FAILED') throw error;
  process.stdout.write('no PostgreSQL answers: nothing to show here\n');
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const before = await TalosClient.create('reader', { stores: nodeHome({ dir, passphrase }) });
  const capability = await before.grant({ to: before.did, for: '15m', tools: { read_file: { path: subpath('docs') } } });
  await before.guard({ capability }).run({ tool: 'read_file', input: { path: 'docs/a.md' } }, () => 'text');
  const { verifierKey } = before.log;
  await before.close();

  await move(verifierKey);

  const keys = fileKeyStore({ dir: join(dir, 'keys'), protection: { passphrase } });
  // #region home
  const client = await TalosClient.create('reader', { stores: postgresHome(url, { log: schema, keys }) });
  // #endregion home
  assert.equal(client.did, before.did);
  assert.equal(client.log.verifierKey, verifierKey);
  const result = await client.guard({ capability }).run({ tool: 'read_file', input: { path: 'docs/b.md' } }, () => 'more');
  assert.equal(result.status, 'ok');
  assert.equal(verifyEntryProof(await client.log.proveInclusion(1), verifierKey).entry.type, 'key.bound');
  await client.close();
  await drop();
  process.stdout.write(`the log of ${client.did} moved to PostgreSQL and went on\n`);
}

async function move(verifierKey: string): Promise<void> {
  // #region migrate
  const from = await openSqliteAuditStore({ path: join(dir, 'audit.db') });
  const to = await openPostgresAuditStore({ url, log: schema });
  const moved = await migrateAuditLog({ from, to, verifierKey });
  await Promise.all([from.close(), to.close()]);
  // #endregion migrate
  assert.ok(moved.size > 4);
}

async function drop(): Promise<void> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  await admin.query(`SET client_min_messages = 'warning'; DROP SCHEMA "${schema}" CASCADE`);
  await admin.end();
}
