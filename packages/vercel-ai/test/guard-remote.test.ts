import { eq, memoryHome, TalosClient } from '@talosprotocol/core';
import { memoryTransport } from '@talosprotocol/core/message';
import { generateText, isStepCount } from 'ai';
import { describe, expect, it } from 'vitest';
import { talosGuard, type TalosGuard } from '../src/index.ts';
import { modelCalling } from './support.ts';

/** A peer with tools of its own, and a client with a right to one of them. */
async function peers(): Promise<{ readonly guard: TalosGuard; readonly peer: TalosClient; readonly ran: unknown[]; readonly close: () => Promise<void> }> {
  const transport = memoryTransport();
  const client = await TalosClient.create('asks', { stores: memoryHome(), transport });
  const peer = await TalosClient.create('serves', { stores: memoryHome(), transport });
  await client.establishSession(peer.did, await peer.bundle());
  const ran: unknown[] = [];
  const inputSchema = { type: 'object', properties: { rows: { type: 'number' } }, required: ['rows'], additionalProperties: false };
  const execute = (input: unknown) => ran.push(input) && { image: 'chart.svg' };
  await peer.serve({ tools: [{ name: 'render_chart', description: 'Draws a chart.', inputSchema, execute }] });
  const capability = await peer.grant({ to: client.did, at: peer.did, tools: { render_chart: { rows: eq(3) } } });
  const close = async () => {
    await client.close();
    await peer.close();
  };
  return { guard: talosGuard({ client, capability }), peer, ran, close };
}

describe('guard.remote', () => {
  it('[VERCEL-REMOTE] a model calls a tool of a peer, and reads its refusal', async () => {
    const { guard, peer, ran, close } = await peers();
    const model = modelCalling([{ name: 'render_chart', args: { rows: 3 } }], [{ name: 'render_chart', args: { rows: 4 }, id: 'call_2' }]);
    const { steps, text } = await generateText({ model, tools: await guard.remote(peer.did), prompt: 'go', stopWhen: isStepCount(5) });
    const parts = steps.flatMap(({ content }) => content);
    expect(parts.find((part) => part.type === 'tool-result')).toMatchObject({ output: { image: 'chart.svg' } });
    expect(parts.find((part) => part.type === 'tool-error')).toMatchObject({ error: { denialCode: 'ARG_VIOLATES' } });
    expect(text).toBe('done');
    expect(ran).toEqual([{ rows: 3 }]);
    await close();
  });

  it('[VERCEL-REMOTE] needs a client that makes remote calls, and a tool that the peer serves', async () => {
    const { guard, peer, close } = await peers();
    await expect(guard.remote(peer.did, ['other'])).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    const lone = talosGuard({ client: { guard: () => ({}) as never }, capability: 'x' });
    await expect(lone.remote(peer.did)).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await close();
  });
});
