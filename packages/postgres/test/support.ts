/** The server of the tests, and a schema of its own for each of them. @module */
import { randomBytes } from 'node:crypto';
import { systemEnv } from '@talosprotocol/core';
import { openAuditLog, type AuditLog, type AuditStore, type CosignatureStore } from '@talosprotocol/core/audit';
import { generateSigner, type Signer } from '@talosprotocol/core/identity';
import { Client } from 'pg';
import { afterAll } from 'vitest';
import { openPostgresAuditStore, type PostgresAuditStoreOptions } from '../src/postgres-audit-store.ts';
import { PostgresState } from '../src/postgres-state.ts';
import type { StatePart } from '../src/state-sql.ts';

/** Under the name that `initdb` made where the URL names nobody. */
export const url = withUser(process.env['TALOS_TEST_POSTGRES_URL'] ?? 'postgres://127.0.0.1:5432/test');

/** Why the tests of this package are skipped, if they are. With CI=true they are not: they fail. */
export const noServer = process.env['CI'] === 'true' ? undefined : await reasonToSkip();

export const origin = 'postgres.example';
export const signer: Signer = generateSigner(systemEnv);

const schemas: string[] = [];
afterAll(async () => {
  if (schemas.length > 0) await sql(schemas.map((schema) => `DROP SCHEMA IF EXISTS "${schema}" CASCADE`).join(';'));
});

/** A name that no other run uses; what is in it is dropped after the file. */
export function freshLog(): string {
  const name = `talos_test_${randomBytes(6).toString('hex')}`;
  schemas.push(name);
  return name;
}

/** As an administrator would, on a connection of its own. */
export async function sql(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = values === undefined ? await client.query(text) : await client.query(text, [...values]);
    return rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

export const openStore = (options: PostgresAuditStoreOptions): Promise<AuditStore & CosignatureStore> =>
  openPostgresAuditStore(options.pool === undefined ? { url, ...options } : options);
export const openLog = (store: AuditStore): Promise<AuditLog> => openAuditLog({ store, signer, origin, env: systemEnv });

/** Store and log under one name. */
export async function open(log: string, options: PostgresAuditStoreOptions = {}): Promise<{ readonly store: AuditStore; readonly log: AuditLog }> {
  const store = await openStore({ log, ...options });
  try {
    return { store, log: await openLog(store) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

export async function shut({ store, log }: { readonly store: AuditStore; readonly log: AuditLog }): Promise<void> {
  await log.close();
  await store.close();
}

export const entry = (n: number) => ({ type: 'tool.request', call: `call-${n}`, commit: { args: { n } } }) as const;

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The error that `run` throws or rejects with; fails if it does not. */
export async function caught(run: () => unknown): Promise<{ readonly code?: string; readonly message: string; readonly retryable?: boolean }> {
  try {
    await run();
  } catch (error) {
    return error as { code?: string; message: string };
  }
  throw new Error('expected an error, none was thrown');
}

function withUser(text: string): string {
  const parsed = new URL(text);
  if (parsed.username === '') parsed.username = process.env['PGUSER'] ?? 'postgres';
  return parsed.href;
}

async function reasonToSkip(): Promise<string | undefined> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return undefined;
  } catch {
    return 'no PostgreSQL at TALOS_TEST_POSTGRES_URL or 127.0.0.1:5432';
  }
}

/** Sessions or rights in a schema, made if they are not there. */
export async function openState(options: {
  readonly home: string;
  readonly part: StatePart;
  readonly sinceMs?: number;
  readonly timeoutMs?: number;
}): Promise<PostgresState> {
  const { home, part, sinceMs = 0, timeoutMs = 30_000 } = options;
  const state = new PostgresState({ url, home, timeoutMs });
  await state.open(part, sinceMs);
  return state;
}
