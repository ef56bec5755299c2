import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { StoreError } from '../../src/errors/store-error.ts';
import { readIfPresent, writeDurably } from '../../src/node/durable-file.ts';
import { codeOfAsync } from '../errors/code-of.ts';

const root = await fs.mkdtemp(path.join(tmpdir(), 'talos-file-'));
const old = Uint8Array.of(1, 2, 3);
const fresh = Uint8Array.of(4, 5);

afterAll(() => fs.rm(root, { recursive: true, force: true }));

describe('a durable file', () => {
  it('[FILE-DURABLE] is written whole, replaced whole, and leaves nothing beside it', async () => {
    const file = path.join(root, 'a', 'b', 'file');
    expect(await readIfPresent(file, 10)).toBeUndefined();
    await writeDurably(file, old, 'absent');
    expect(await readIfPresent(file, 10)).toEqual(old);
    await writeDurably(file, fresh, 'present');
    expect(await readIfPresent(file, 10)).toEqual(fresh);
    expect(await fs.readdir(path.dirname(file))).toEqual(['file']);
  });

  it('[FILE-DURABLE] a lost race is a conflict that changes nothing', async () => {
    const file = path.join(root, 'race');
    expect(await codeOfAsync(() => writeDurably(file, fresh, 'present'))).toBe('TALOS_STORE_CONFLICT');
    expect(await readIfPresent(file, 10)).toBeUndefined();
    await writeDurably(file, old, 'absent');
    expect(await codeOfAsync(() => writeDurably(file, fresh, 'absent'))).toBe('TALOS_STORE_CONFLICT');
    expect(await readIfPresent(file, 10)).toEqual(old);
    expect((await fs.readdir(root)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('[FILE-DURABLE] a failed write is no conflict, and is worth another try', async () => {
    await fs.writeFile(path.join(root, 'in-the-way'), '');
    for (const file of [path.join(root, 'in-the-way', 'file'), path.join(root, 'x'.repeat(300))]) {
      const error: unknown = await writeDurably(file, old, 'absent').catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED', retryable: true });
    }
  });

  it('[FILE-DURABLE] is not read when it is longer than its bound or cannot be read', async () => {
    const file = path.join(root, 'long');
    await writeDurably(file, old, 'absent');
    expect(await readIfPresent(file, 3)).toEqual(old);
    expect(await codeOfAsync(() => readIfPresent(file, 2))).toBe('TALOS_STORE_CORRUPT');
    await fs.mkdir(path.join(root, 'folder'));
    expect(await codeOfAsync(() => readIfPresent(path.join(root, 'folder'), 1e6))).toBe('TALOS_STORE_READ_FAILED');
  });
});
