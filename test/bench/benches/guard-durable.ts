import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TalosClient } from '@talosprotocol/core';
import { nodeHome } from '@talosprotocol/core/node';
import type { Bench } from '../measure.ts';
import { concurrentRound } from './concurrent-round.ts';
import { guardedAnswer, guardedCall, guardedTools } from './guard-core.ts';

const callers = 64;
/** Calls of each caller in a round, one after the other. */
const turns = 32;

/**
 * Guarded calls under a home on disk, so many at once: an operation is one call, with its request synced before the tool runs and its result before
 * the caller has it. Two entries a call: the log takes twice the rate. Its median is what a caller waits.
 */
export const guardDurable64: Bench = {
  name: `guard-durable-${callers}`,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'talos-bench-'));
    const client = await TalosClient.create('agent', { stores: nodeHome({ dir: join(folder, 'home'), stateDir: join(folder, 'state') }) });
    const guard = client.guard({ capability: await client.grant({ to: client.did, for: '1h', tools: guardedTools }) });
    let calls = 0;
    const call = async (): Promise<void> => {
      const { status } = await guard.run({ ...guardedCall, callId: `call_${(calls += 1)}` }, () => guardedAnswer);
      if (status !== 'ok') throw new Error(`the call was ${status}`);
    };
    return {
      round: concurrentRound({ callers, turns, call }),
      close: async () => {
        await client.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};
