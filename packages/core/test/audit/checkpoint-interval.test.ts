import { expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { memoryCosignatureStore } from '../../src/audit/cosignature-store.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { memorySignedHeads } from '../../src/audit/signed-heads.ts';
import { systemEnv, type Env } from '../../src/env/env.ts';
import { cosignatureStoreSuite } from '../../src/testing/cosignature-store-suite.ts';
import { testSigner } from './support.ts';

/** Time that passes when the test says so. */
function manualTimers() {
  const due = new Set<() => void>();
  const env: Env = { ...systemEnv, after: (_, run) => (due.add(run), () => due.delete(run)) };
  const pass = (): void => {
    const now = Array.from(due);
    due.clear();
    for (const run of now) run();
  };
  return { env, pass, due };
}

const settled = async (): Promise<void> => {
  for (let n = 0; n < 50; n++) await Promise.resolve();
};

it('[AUDIT-INTERVAL] a thousand entries are signed without anybody asking, a few after the time, and all notes are kept', async () => {
  const { env, pass } = manualTimers();
  const store = memoryAuditStore();
  const log = await openAuditLog({ store, signer: testSigner(), origin: 'interval.example', env, checkpointEvery: { entries: 100, ms: 1000 } });
  for (let n = 0; n < 250; n++) await log.append({ type: 'config', n });
  await settled();
  const sizes = async () => (await store.loadCheckpoints(0, 100)).map(({ size }) => size);
  const busy = await sizes();
  expect(busy.length).toBeGreaterThanOrEqual(2);
  expect(busy.at(-1)).toBeLessThan(251);
  pass();
  await settled();
  expect(await sizes()).toEqual([...busy, 251]);
  // Nothing new: nothing is signed.
  pass();
  await settled();
  expect(await sizes()).toEqual([...busy, 251]);
  await log.close();
});

it('[AUDIT-INTERVAL] a signer that fails delays no append, is told, and is tried again', async () => {
  const { env, pass } = manualTimers();
  const [store, errors, inner] = [memoryAuditStore(), [] as unknown[], testSigner()];
  let isDown = true;
  const signer = { publicKey: inner.publicKey, sign: (text: Uint8Array) => (isDown ? Promise.reject(new Error('box is down')) : inner.sign(text)) };
  const log = await openAuditLog({
    store,
    signer,
    origin: 'interval.example',
    env,
    heads: memorySignedHeads(),
    checkpointEvery: { entries: 5, ms: 1000 },
    onError: (error) => errors.push(error),
  });
  for (let n = 0; n < 20; n++) await log.append({ type: 'config', n });
  await settled();
  expect(errors.length).toBeGreaterThan(0);
  expect(await store.loadCheckpoint()).toBeUndefined();
  isDown = false;
  pass();
  await settled();
  expect((await store.loadCheckpoint())?.size).toBe(21);
  await log.close();
});

for (const { name, run } of cosignatureStoreSuite({ create: async () => ({ store: memoryCosignatureStore() }) }))
  it(`[AUDIT-COSIGNATURE-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());
