import { anyArgs, eq } from '@talosprotocol/core';
import { tracedGuard } from '@talosprotocol/core/guard';
import { talosGuard } from '@talosprotocol/langchain';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { tool } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, modelCalling, runAgent } from '../support.ts';

function tracing() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = () => exporter.getFinishedSpans().map(({ name, attributes, status }) => ({ name, attributes, status: status.code }));
  return { tracer: provider.getTracer('test'), spans };
}

const read = (failing = false) =>
  tool(
    async ({ text }) => {
      if (failing) throw new RangeError(`no ${text}`);
      return text;
    },
    { name: 'read', description: '', schema: z.object({ text: z.string() }) },
  );

describe('spans', () => {
  it('[LANGCHAIN-SPANS] [GUARD-SPANS] say what was decided and where it stands in the log, and nothing of arguments, results or messages', async () => {
    const { client, capability, log } = await agentGranted({ read: { text: eq('giraffe') } });
    const { tracer, spans } = tracing();
    const guard = talosGuard({ client, capability, spans: { tracer } });
    const calls = ['giraffe', 'zebra'].map((text) => ({ name: 'read', args: { text }, id: text === 'giraffe' ? 'yes' : 'no' }));
    await runAgent({ model: modelCalling(calls), tools: guard.tools([read()]), name: 'boss' });
    await runAgent({ model: modelCalling([calls[0]!]), tools: guard.tools([read(true)]) });
    const decided = (await log()).map(({ type }) => type).filter((type) => type === 'tool.request' || type === 'policy.decision');
    expect(decided.toSorted()).toEqual(['policy.decision', 'tool.request', 'tool.request']);
    expect(spans().toSorted((a, b) => a.status - b.status)).toMatchObject([
      { name: 'execute_tool read', attributes: { 'talos.decision': 'allow' }, status: 0 },
      { name: 'execute_tool read', status: 2 },
      { name: 'execute_tool read', status: 2 },
    ]);
    const refused = spans().find(({ attributes }) => attributes['talos.decision'] === 'deny');
    expect(refused?.attributes).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'read',
      'gen_ai.tool.call.id': 'no',
      'gen_ai.agent.name': 'boss',
      'talos.denial.code': 'ARG_VIOLATES',
      'talos.entry.id': expect.any(String) as string,
    });
    expect(JSON.stringify(spans())).not.toMatch(/giraffe|zebra/);
  });

  it('[LANGCHAIN-SPANS] hold the arguments if they are asked for', async () => {
    const { client, capability } = await agentGranted({ read: anyArgs() });
    const { tracer, spans } = tracing();
    const guard = talosGuard({ client, capability, spans: { tracer, arguments: true } });
    await runAgent({ model: modelCalling([{ name: 'read', args: { text: 'giraffe' } }]), tools: guard.tools([read()]) });
    expect(spans()[0]?.attributes['gen_ai.tool.call.arguments']).toBe('{"text":"giraffe"}');
  });

  it('[GUARD-SPANS] a tool that yields is one span to its end, refused or broken', async () => {
    const { client, capability } = await agentGranted({ steps: anyArgs() });
    const { tracer, spans } = tracing();
    const guard = tracedGuard(client.guard({ capability }), { tracer });
    const iterate = async (name: string, breaks: boolean) => {
      const values: number[] = [];
      const steps = guard.iterate({ tool: name, input: {} }, async function* () {
        yield 1;
        expect(spans()).toHaveLength(0);
        if (breaks) throw new RangeError('broke');
        yield 2;
      });
      for await (const value of steps) values.push(value);
      return values;
    };
    expect(await iterate('steps', false)).toEqual([1, 2]);
    expect(spans()).toMatchObject([{ attributes: { 'talos.decision': 'allow' }, status: 0 }]);
    const other = tracing();
    const broken = tracedGuard(client.guard({ capability }), { tracer: other.tracer });
    const failing = broken.iterate({ tool: 'steps', input: {} }, async function* () {
      yield 1;
      throw new RangeError('broke');
    });
    await failing.next();
    await expect(failing.next()).rejects.toThrow('broke');
    await expect(broken.iterate({ tool: 'other', input: {} }, async function* () {}).next()).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    expect(other.spans()).toMatchObject([
      { attributes: { 'error.type': 'RangeError', 'talos.decision': 'allow' }, status: 2 },
      { attributes: { 'talos.decision': 'deny', 'talos.denial.code': 'TOOL_UNGRANTED', 'error.type': 'TalosDeniedError' }, status: 2 },
    ]);
  });
});
