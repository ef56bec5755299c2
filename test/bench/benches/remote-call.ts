import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anyArgs, TalosClient } from '@talosprotocol/core';
import { memoryTransport } from '@talosprotocol/core/message';
import { nodeHome } from '@talosprotocol/core/node';
import type { Bench } from '../measure.ts';
import { concurrentRound } from './concurrent-round.ts';

/** Calls of each caller in a round, one after the other. */
const turns = 40;

/** 256 bytes of arguments, as the messages of the other benches have. */
const input = { text: 'x'.repeat(240) };

/**
 * Calls from one agent to another, each with a home of its own on disk: sealed both ways, admitted, guarded, run once, with R, S and A in both
 * durable logs. Its median is what a caller waits.
 */
const remoteCall = (callers: number): Bench => ({
  name: `remote-call-${callers}`,
  floor: `floor-remote-call-${callers}`,
  maxRounds: 12,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'talos-bench-'));
    const transport = memoryTransport();
    const home = (name: string) => nodeHome({ dir: join(folder, name), stateDir: join(folder, `${name}-state`) });
    const a = await TalosClient.create('caller', { stores: home('a'), transport });
    const b = await TalosClient.create('callee', { stores: home('b'), transport });
    await a.establishSession(b.did, await b.bundle());
    await b.serve({ tools: [{ name: 'echo', description: 'Gives back what it got.', inputSchema: { type: 'object' }, execute: (given) => given }] });
    const capability = await b.grant({ to: a.did, at: b.did, for: '1h', tools: { echo: anyArgs() } });
    const call = async (): Promise<void> => {
      const { status } = await a.call(b.did, 'echo', input, { capability });
      if (status !== 'ok') throw new Error(`the call was ${status}`);
    };
    return {
      round: concurrentRound({ callers, turns, call }),
      close: async () => {
        await a.close();
        await b.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
});

export const remoteCall1 = remoteCall(1);
export const remoteCall64 = remoteCall(64);
