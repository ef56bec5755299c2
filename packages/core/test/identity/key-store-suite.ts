/** What every key store has to do, run on each of them. @module */
import { expect } from 'vitest';
import type { KeyStore } from '../../src/identity/key-store.ts';
import { codeOfAsync } from '../errors/code-of.ts';

const secret = (value: number): Uint8Array => new Uint8Array(40).fill(value);

export type KeyStoreCase = { readonly name: string; readonly run: () => Promise<void> };

/** @param open - A store that is empty, a new one each time. */
export function keyStoreSuite(open: () => Promise<KeyStore>): readonly KeyStoreCase[] {
  return [
    {
      name: 'knows nothing of what was never saved',
      run: async () => {
        expect(await (await open()).load('agent.alice')).toBeUndefined();
      },
    },

    {
      name: 'gives back what was saved, as a fresh copy',
      run: async () => {
        const store = await open();
        const given = secret(1);
        await store.save('agent.alice', given, 'absent');
        given.fill(0);
        const loaded = (await store.load('agent.alice')) as Uint8Array;
        expect(loaded).toEqual(secret(1));
        loaded.fill(0);
        expect(await store.load('agent.alice')).toEqual(secret(1));
      },
    },

    {
      name: 'replaces what the caller has seen, and nothing else',
      run: async () => {
        const store = await open();
        await store.save('agent.alice', secret(1), 'absent');
        await store.save('agent.bob', secret(2), 'absent');
        await store.save('agent.alice', secret(3), 'present');
        expect(await store.load('agent.alice')).toEqual(secret(3));
        expect(await store.load('agent.bob')).toEqual(secret(2));
      },
    },

    {
      name: 'refuses a caller who expects something else, and keeps what is there',
      run: async () => {
        const store = await open();
        expect(await codeOfAsync(() => store.save('agent.alice', secret(1), 'present'))).toBe('TALOS_STORE_CONFLICT');
        expect(await store.load('agent.alice')).toBeUndefined();
        await store.save('agent.alice', secret(1), 'absent');
        expect(await codeOfAsync(() => store.save('agent.alice', secret(2), 'absent'))).toBe('TALOS_STORE_CONFLICT');
        expect(await store.load('agent.alice')).toEqual(secret(1));
      },
    },

    {
      name: 'lets one of many first writers win',
      run: async () => {
        const store = await open();
        const codes = await Promise.all([1, 2, 3, 4, 5, 6].map((value) => codeOfAsync(() => store.save('log', secret(value), 'absent'))));
        expect(codes.toSorted()).toEqual([...new Array<string>(5).fill('TALOS_STORE_CONFLICT'), 'nothing thrown']);
        expect(await store.load('log')).toEqual(secret(1 + codes.indexOf('nothing thrown')));
      },
    },

    {
      name: 'keeps an empty record',
      run: async () => {
        const store = await open();
        await store.save('log', new Uint8Array(0), 'absent');
        expect(await store.load('log')).toEqual(new Uint8Array(0));
      },
    },
  ];
}
