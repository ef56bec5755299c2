/** What spans of an adapter's calls hold, read by OpenTelemetry's own SDK through the framework's own loop: the same in every adapter. @module */
import { subpath } from '@talosprotocol/core';
import type { AdapterHarness, AdapterMode, AdapterTool } from '@talosprotocol/core/testing';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect } from 'vitest';
import { grantedAgent } from './granted-agent.ts';

const read: AdapterTool = { name: 'read', description: 'Reads a file.', args: ['path'], run: ({ path }) => `contents of ${path}` };
const broken: AdapterTool = {
  ...read,
  name: 'broken',
  run: ({ path }) => {
    throw new RangeError(`no ${path}`);
  },
};

type Options = { readonly mode: AdapterMode; readonly arguments?: true };

async function tracedRun<Guard>(harness: AdapterHarness<Guard>, { mode, ...spans }: Options) {
  const exporter = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('test');
  const docs = { path: subpath('docs') };
  const { client, capability, log } = await grantedAgent({ read: docs, broken: docs });
  const call = (tool: string, path: string, id: string) => ({ tool, args: { path }, id });
  const turns = [[call('read', 'docs/giraffe', 'yes'), call('read', 'etc/zebra', 'no')], [call('broken', 'docs/okapi', 'throws')]];
  const guards = [harness.guard({ client, capability, spans: { tracer, ...spans } })];
  const { text } = await harness.run({ guards, tools: [read, broken], turns, mode, agentName: 'boss' });
  expect(text).toBe('done');
  const spanOf = (id: string) => exporter.getFinishedSpans().filter(({ attributes }) => attributes['gen_ai.tool.call.id'] === id);
  return { all: exporter.getFinishedSpans(), spanOf, log };
}

/** One span for each call, which says what was decided, where that stands in the log, and how it ended: nothing of what was said. */
export async function expectSpans<Guard>(harness: AdapterHarness<Guard>, mode: AdapterMode): Promise<void> {
  const { all, spanOf, log } = await tracedRun(harness, { mode });
  expect(all).toHaveLength(3);
  const shared = (tool: string) => ({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': tool, 'gen_ai.agent.name': 'boss' });
  const entryId = async (id: string) => (await log()).find((entry) => /request|policy/.test(entry.type) && entry['gen_ai.tool.call.id'] === id)?.['id'];
  const attributes = async (id: string, tool: string) => ({ ...shared(tool), 'gen_ai.tool.call.id': id, 'talos.entry.id': await entryId(id) });
  const seen = (id: string) => spanOf(id).map((span) => ({ name: span.name, status: span.status.code, attributes: span.attributes }));
  expect(seen('yes')).toEqual([{ name: 'execute_tool read', status: 0, attributes: { ...(await attributes('yes', 'read')), 'talos.decision': 'allow' } }]);
  const refused = { 'talos.decision': 'deny', 'talos.denial.code': 'ARG_VIOLATES', 'error.type': 'TalosDeniedError' };
  expect(seen('no')).toEqual([{ name: 'execute_tool read', status: 2, attributes: { ...(await attributes('no', 'read')), ...refused } }]);
  const threw = { 'talos.decision': 'allow', 'error.type': 'RangeError' };
  expect(seen('throws')).toEqual([{ name: 'execute_tool broken', status: 2, attributes: { ...(await attributes('throws', 'broken')), ...threw } }]);
  const exported = all.map(({ name, attributes: shown, events, status }) => ({ name, shown, events, status }));
  expect(JSON.stringify(exported)).not.toMatch(/giraffe|zebra|okapi|docs|contents/);
}

/** Arguments only where they are asked for. */
export async function expectArguments<Guard>(harness: AdapterHarness<Guard>): Promise<void> {
  const { spanOf } = await tracedRun(harness, { mode: 'generate', arguments: true });
  expect(spanOf('yes')[0]?.attributes['gen_ai.tool.call.arguments']).toBe('{"path":"docs/giraffe"}');
}
