import { auditStoreSuite, cosignatureStoreSuite } from '@talosprotocol/core/testing';
import { describe, expect, it } from 'vitest';
import { freshLog, noServer, openStore } from './support.ts';

describe.skipIf(noServer !== undefined)(`PostgreSQL audit store${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  const source = {
    create: async () => {
      const log = freshLog();
      const store = await openStore({ log });
      const reopen = async () => {
        await store.close();
        return openStore({ log });
      };
      return { store, reopen };
    },
  };
  for (const { name, run } of auditStoreSuite(source)) it(`[PG-STORE-CONTRACT] ${name}`, () => expect(run()).resolves.toBeUndefined());

  const cosignatures = {
    create: async () => {
      const { store, reopen } = await source.create();
      let last = store;
      return { store, reopen: async () => (last = await reopen()), close: () => last.close() };
    },
  };
  for (const { name, run } of cosignatureStoreSuite(cosignatures)) it(`[PG-STORE-CONTRACT] ${name}`, () => expect(run()).resolves.toBeUndefined());
});
