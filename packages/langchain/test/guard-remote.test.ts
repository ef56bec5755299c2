import { describe, expect, it } from 'vitest';
import { remotePeers } from '../../../test/support/remote-peers.ts';
import { talosGuard } from '../src/index.ts';
import { modelCalling, runAgent } from './support.ts';

describe('guard.remote', () => {
  it('[LANGCHAIN-REMOTE] an agent calls a tool of a peer, and reads its refusal', async () => {
    const { client, capability, peer, ran, close } = await remotePeers();
    const guard = talosGuard({ client, capability });
    const tools = await guard.remote(peer.did, ['render_chart']);
    const model = modelCalling([{ name: 'render_chart', args: { rows: 3 } }], [{ name: 'render_chart', args: { rows: 4 }, id: 'call_2' }]);
    const { results, last } = await runAgent({ model, tools });
    expect(results['call_1']).toEqual({ content: '{"image":"chart.svg"}', status: 'success' });
    expect(results['call_2']).toMatchObject({ status: 'error', content: expect.stringContaining('ARG_VIOLATES') });
    expect(last).toBe('done');
    expect(ran).toEqual([{ rows: 3 }]);
    await expect(tools[0]!.invoke({ rows: 4 })).rejects.toMatchObject({ code: 'TALOS_DENIED', denialCode: 'ARG_VIOLATES' });
    await close();
  });

  it('[LANGCHAIN-REMOTE] needs a client that makes remote calls, and a tool that the peer serves', async () => {
    const { client, capability, peer, close } = await remotePeers();
    const guard = talosGuard({ client, capability });
    await expect(guard.remote(peer.did, ['other'])).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    const lone = talosGuard({ client: { guard: () => ({}) as never }, capability: 'x' });
    await expect(lone.remote(peer.did)).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await close();
  });
});
