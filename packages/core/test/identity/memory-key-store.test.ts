import { describe, expect, it } from 'vitest';
import { memoryKeyStore } from '../../src/identity/memory-key-store.ts';
import { keyStoreSuite } from './key-store-suite.ts';

describe('memory key store', () => {
  it.each(keyStoreSuite(async () => memoryKeyStore()))('[KEYSTORE-CONTRACT] $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
