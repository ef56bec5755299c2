import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
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

  it('[LANGCHAIN-REMOTE] [GUARD-SPANS] a remote call is a span, and a call id that is no name is nowhere', async () => {
    const { client, capability, peer, ran, close } = await remotePeers();
    const exporter = new InMemorySpanExporter();
    const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('test');
    const [tool] = await talosGuard({ client, capability, spans: { tracer } }).remote(peer.did);
    const call = (rows: number, id: string) => tool!.invoke({ type: 'tool_call', name: 'render_chart', args: { rows }, id });
    await call(3, 'the giraffe, in full');
    await call(4, 'call_2');
    expect(ran).toEqual([{ rows: 3 }]);
    const spans = exporter.getFinishedSpans().map(({ name, attributes, status }) => ({ name, attributes, status: status.code }));
    expect(spans).toMatchObject([
      { name: 'execute_tool render_chart', attributes: { 'talos.decision': 'allow' }, status: 0 },
      { attributes: { 'talos.decision': 'deny', 'talos.denial.code': 'ARG_VIOLATES', 'gen_ai.tool.call.id': 'call_2' }, status: 2 },
    ]);
    const entries = [];
    for (const { log } of [client, peer]) for (let index = 0; index < log.size; index++) entries.push((await log.entry(index)).entry);
    expect(entries.map((entry) => entry['call'])).toContain('call_2');
    expect(JSON.stringify([spans, entries])).not.toContain('giraffe');
    await close();
  });
});
