import { expect, it } from 'vitest';
import { hashLeaf } from '@talosprotocol/core/audit';
import { postgresIntentQueue } from '../src/postgres-intent-queue.ts';
import { PostgresState } from '../src/postgres-state.ts';
import { caught, freshLog, noServer, sql, url } from './support.ts';

it.skipIf(noServer !== undefined)('[PG-QUEUE-HOSTILE] a row that is longer than any string ends no process that reads it', { timeout: 240_000 }, async () => {
  const log = freshLog();
  const state = new PostgresState({ url, home: log, timeoutMs: 120_000 });
  await state.open('queue');
  const queue = postgresIntentQueue(state);
  const huge = `convert_to(repeat('x', 270000000), 'UTF8')`;
  await sql(`INSERT INTO "${log}".intent (process, at, intent) VALUES ('p', 0, ${huge})`);
  const bytes = Buffer.from('{"id":"an-id","recorder":"r","recorder_seq":0,"time":"2026-01-01T00:00:00.000Z","type":"config","v":1}');
  await queue.add('p', 0, [{ op: 'append', args: [{ bytes, openings: [] }] }]);
  expect(await queue.pending(0, 9)).toMatchObject([{ intent: { op: 'malformed' } }, { intent: { op: 'append', args: [{ leafHash: hashLeaf(bytes) }] } }]);
  await sql(`UPDATE "${log}".intent SET answer = ${huge} WHERE n = 1`);
  expect(await caught(() => queue.fetch('p'))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
  const openings = [{ field: 'args', salt: new Uint8Array(32), payload: new Uint8Array(201 * 1024 * 1024) }];
  expect(await caught(async () => queue.add('p', 0, [{ op: 'append', args: [{ bytes, openings }] }]))).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
  await queue.close();
});
