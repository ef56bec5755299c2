import { describe, expect, it } from 'vitest';
import { remotePeers } from '../../../test/support/remote-peers.ts';
import { talosGuard } from '../src/index.ts';
import { agentWith, modelCalling, toolOutputs } from './support.ts';

describe('guard.remote', () => {
  it('[MASTRA-REMOTE] an agent calls a tool of a peer, and reads its refusal', async () => {
    const { client, capability, peer, ran, close } = await remotePeers();
    const guard = talosGuard({ client, capability });
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
    const { client, capability, peer, close } = await remotePeers();
    const guard = talosGuard({ client, capability });
    await expect(guard.remote(peer.did, ['other'])).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    const lone = talosGuard({ client: { guard: () => ({}) as never }, capability: 'x' });
    await expect(lone.remote(peer.did)).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await close();
  });
});
