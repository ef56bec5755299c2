import { generateText, isStepCount } from 'ai';
import { describe, expect, it } from 'vitest';
import { remotePeers } from '../../../test/support/remote-peers.ts';
import { talosGuard } from '../src/index.ts';
import { modelCalling } from './support.ts';

describe('guard.remote', () => {
  it('[VERCEL-REMOTE] a model calls a tool of a peer, and reads its refusal', async () => {
    const { client, capability, peer, ran, close } = await remotePeers();
    const guard = talosGuard({ client, capability });
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
    const { client, capability, peer, close } = await remotePeers();
    const guard = talosGuard({ client, capability });
    await expect(guard.remote(peer.did, ['other'])).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    const lone = talosGuard({ client: { guard: () => ({}) as never }, capability: 'x' });
    await expect(lone.remote(peer.did)).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await close();
  });
});
