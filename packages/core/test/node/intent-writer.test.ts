import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openTreeLog } from '../../src/audit/audit-log.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { Recorder } from '../../src/audit/recorder.ts';
import { systemEnv } from '../../src/env/env.ts';
import type { IntentAnswer, IntentQueue } from '../../src/node/intent-queue.ts';
import { IntentTable } from '../../src/node/intent-table.ts';
import { IntentWriter } from '../../src/node/intent-writer.ts';
import { testSigner } from '../audit/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-intents-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function writing(name: string, change: (table: IntentTable) => IntentQueue = (table) => table) {
  const table = new IntentTable(join(folder, name));
  const log = await openTreeLog({ store: memoryAuditStore(), signer: testSigner(), origin: 'intents.example', env: systemEnv });
  const errors: unknown[] = [];
  const writer = new IntentWriter({ table: change(table), log, env: systemEnv, onError: (error) => errors.push(error) });
  return { table, log, writer, errors, close: async () => (await writer.stop(), table.close()) };
}

async function answersOf(table: IntentTable, count: number): Promise<IntentAnswer[]> {
  const answers: IntentAnswer[] = [];
  while (answers.length < count) {
    answers.push(...table.fetch('p').answers.values());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return answers;
}

it('[AUDIT-QUEUE] a row that was damaged is answered with an error and holds up nobody', async () => {
  const { table, log, writer, errors, close } = await writing('damaged.db');
  table.add('p', 0, [{ op: 'describe', args: [] }]);
  const database = new DatabaseSync(join(folder, 'damaged.db'));
  database.exec("UPDATE intent SET intent = x'ff0f22'; INSERT INTO intent (process, at, intent) VALUES ('p', 0, x'')");
  database.close();
  table.add('p', 0, [
    { op: 'append', args: [new Recorder(systemEnv).record({ type: 'config' })] },
    { op: 'describe', args: null as never },
  ]);
  await writer.start();
  expect(await answersOf(table, 4)).toMatchObject([
    { error: { code: 'TALOS_STORE_CORRUPT' } },
    { error: { code: 'TALOS_STORE_CORRUPT' } },
    { value: { index: 1 } },
    { value: { origin: 'intents.example' } },
  ]);
  expect([log.size, errors]).toEqual([2, []]);
  await close();
});

it('[AUDIT-QUEUE] an answer that the queue cannot hold is an error for who asked, and everybody else has theirs', async () => {
  // As SQLite does with more than a gigabyte, which is no size for a test.
  const tooLarge = (table: IntentTable): IntentQueue =>
    new Proxy(table, {
      get(target, name: keyof IntentQueue) {
        if (name !== 'answer') return typeof target[name] === 'function' ? (target[name] as (...args: unknown[]) => unknown).bind(target) : target[name];
        return (answers: Parameters<IntentQueue['answer']>[0]) => {
          if (answers.some(({ answer }) => 'value' in answer && typeof answer.value === 'string')) throw new Error('string or blob too big');
          target.answer(answers);
        };
      },
    });
  const { table, log, writer, errors, close } = await writing('large.db', tooLarge);
  table.add('p', 0, [
    { op: 'checkpoint', args: [] },
    { op: 'append', args: [new Recorder(systemEnv).record({ type: 'config' })] },
  ]);
  await writer.start();
  expect(await answersOf(table, 2)).toMatchObject([{ error: { code: 'TALOS_STORE_READ_FAILED' } }, { value: { index: 1 } }]);
  expect([log.size, errors]).toEqual([2, []]);
  await close();
});
