import { memoryHome, TalosClient } from '@talosprotocol/core';
import type { Bench } from '../measure.ts';

/** A call that the capability of these benches allows, and what its tool answers. */
export const guardedCall = { tool: 'read', input: { path: 'docs/a.md', limit: 10 } };
export const guardedAnswer = 'contents of docs/a.md';
export const guardedTools = { read: { path: { subpath: { root: 'docs' } }, limit: { range: { max: 100 } } } } as const;

/** One guarded call without a framework around it: decision, two committed entries, memory store. */
export const guardCore: Bench = {
  name: 'guard-core',
  async open() {
    const client = await TalosClient.create('agent', { stores: memoryHome() });
    const guard = client.guard({ capability: await client.grant({ to: client.did, for: '1h', tools: guardedTools }) });
    return {
      async: async (index) => {
        const { status } = await guard.run({ ...guardedCall, callId: `call_${index}` }, async () => guardedAnswer);
        if (status !== 'ok') throw new Error(`the call was ${status}`);
      },
      close: () => client.close(),
    };
  },
};
