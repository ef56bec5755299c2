import { Agent, run } from '@openai/agents';
import { describe, expect, it } from 'vitest';
import { remotePeers } from '../../../test/support/remote-peers.ts';
import { talosGuard } from '../src/index.ts';
import { answersOf, modelCalling } from './support.ts';

describe('guard.remote', () => {
  it('[OPENAI-REMOTE] an agent calls a tool of a peer, and reads its refusal', async () => {
    const { client, capability, peer, ran, close } = await remotePeers();
    const guard = talosGuard({ client, capability });
    const model = modelCalling(['render_chart', { rows: 3 }], ['render_chart', { rows: 4 }]);
    const { finalOutput } = await run(new Agent({ name: 'asks', model, tools: await guard.remote(peer.did) }), 'go');
    expect(finalOutput).toBe('done');
    expect(answersOf(model)).toContain('chart.svg');
    expect(answersOf(model)).toContain('ARG_VIOLATES');
    expect(ran).toEqual([{ rows: 3 }]);
    await close();
  });

  it('[OPENAI-REMOTE] needs a client that makes remote calls, and a tool that the peer serves', async () => {
    const { client, capability, peer, close } = await remotePeers();
    await expect(talosGuard({ client, capability }).remote(peer.did, ['other'])).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    const lone = talosGuard({ client: { guard: () => ({}) as never }, capability: 'x' });
    await expect(lone.remote(peer.did)).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await close();
  });
});
