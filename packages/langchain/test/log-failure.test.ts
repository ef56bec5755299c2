import { anyArgs, type Home } from '@talosprotocol/core';
import { StoreError } from '@talosprotocol/core/errors';
import { RunnableLambda } from '@langchain/core/runnables';
import { tool } from 'langchain';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { agentGranted, homeAppending, modelCalling, runAgent } from './support.ts';

/** A home whose disk is full from the moment `fill` is called. */
function homeThatFills(): { readonly stores: Home; readonly fill: () => void } {
  let full = false;
  const stores = homeAppending(() => {
    if (full) throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the disk is full' });
  });
  return { stores, fill: () => void (full = true) };
}

describe('when the log takes no entry', () => {
  afterEach(() => vi.restoreAllMocks());

  it('[LANGCHAIN-LOG-FAILS] no tool of any kind runs, and the model is told that waiting may help', async () => {
    const ran: unknown[] = [];
    const { stores, fill } = homeThatFills();
    const { guard } = await agentGranted({ write: anyArgs(), steps: anyArgs(), echo: anyArgs() }, stores);
    const schema = z.object({});
    const tools = guard.tools([
      tool(async () => ran.push('write'), { name: 'write', description: '', schema }),
      tool(
        async function* () {
          yield ran.push('steps');
        },
        { name: 'steps', description: '', schema },
      ),
      RunnableLambda.from(async () => ran.push('echo')).asTool({ name: 'echo', schema }),
    ]);
    fill();
    const { results, last } = await runAgent({ model: modelCalling(tools.map(({ name }) => ({ name, args: {}, id: name }))), tools });
    for (const name of ['write', 'steps', 'echo']) {
      expect(results[name]?.status).toBe('error');
      expect(JSON.parse(results[name]?.content ?? '')).toMatchObject({ denied: true, code: 'LOG_UNAVAILABLE', retryable: true });
    }
    expect(last).toBe('done');
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-LOG-FAILS] the callback handler still refuses', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { stores, fill } = homeThatFills();
    const { guard } = await agentGranted({ other: anyArgs() }, stores);
    fill();
    const bare = tool(async () => 'ran', { name: 'bare', description: '', schema: z.object({}) });
    await expect(bare.invoke({}, { callbacks: [guard.callbacks()] })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
  });
});
