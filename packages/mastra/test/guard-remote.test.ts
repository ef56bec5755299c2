import { eq, memoryHome, TalosClient } from '@talosprotocol/core';
import { memoryTransport } from '@talosprotocol/core/message';
import { describe, expect, it } from 'vitest';
import { talosGuard, type TalosGuard } from '../src/index.ts';
import { agentWith, modelCalling, toolOutputs } from './support.ts';

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
  it('[MASTRA-REMOTE] an agent calls a tool of a peer, and reads its refusal', async () => {
    const { guard, peer, ran, close } = await peers();
    const model = modelCalling([{ name: 'render_chart', args: { rows: 3 } }], [{ name: 'render_chart', args: { rows: 4 }, id: 'call_2' }]);
    const agent = agentWith(model, await guard.remote(peer.did));
    expect((await agent.generate('go')).text).toBe('done');
    const outputs = toolOutputs(model);
    expect(JSON.stringify(outputs['call_1'])).toContain('chart.svg');
    expect(JSON.stringify(outputs['call_2'])).toContain('ARG_VIOLATES');
    expect(ran).toEqual([{ rows: 3 }]);
    await close();
  });

  it('[MASTRA-REMOTE] needs a client that makes remote calls, and a tool that the peer serves', async () => {
    const { guard, peer, close } = await peers();
    await expect(guard.remote(peer.did, ['other'])).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    const lone = talosGuard({ client: { guard: () => ({}) as never }, capability: 'x' });
    await expect(lone.remote(peer.did)).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await close();
  });
});
