import { describe, expect, it } from 'vitest';
import { memoryHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { anyArgs } from '../../src/capability/constraints/any.ts';
import { openGuard } from '../../src/guard/open-guard.ts';
import type { CallTracer } from '../../src/guard/traced-guard.ts';

type Seen = { readonly name: string; readonly attributes: Record<string, string>; status: number; ended: boolean };

/** What a tracer is told. */
function tracing() {
  const seen: Seen[] = [];
  const tracer: CallTracer = {
    startActiveSpan: (name, { attributes }, within) => {
      const span: Seen = { name, attributes: { ...attributes }, status: 0, ended: false };
      seen.push(span);
      return within({
        setAttribute: (key, value) => (span.attributes[key] = value),
        setStatus: ({ code }) => (span.status = code),
        end: () => void (span.ended = true),
      });
    },
  };
  return { tracer, seen };
}

async function traced() {
  const client = await TalosClient.create('agent', { stores: memoryHome() });
  const capability = await client.grant({ to: client.did, tools: { read: anyArgs() } });
  const { tracer, seen } = tracing();
  return { client, capability, guard: openGuard({ client, capability, spans: { tracer } }), seen };
}

describe('a guard with a tracer', () => {
  it('[GUARD-SPANS] a check is a span only where it ends the call', async () => {
    const { guard, seen } = await traced();
    expect((await guard.check({ tool: 'read', input: {} })).allowed).toBe(true);
    expect(seen).toEqual([]);
    expect((await guard.check({ tool: 'write', input: { text: 'giraffe' }, callId: 'c1' })).allowed).toBe(false);
    const attributes = { 'talos.decision': 'deny', 'talos.denial.code': 'TOOL_UNGRANTED', 'error.type': 'TalosDeniedError', 'gen_ai.tool.call.id': 'c1' };
    expect(seen).toMatchObject([
      { name: 'execute_tool write', attributes: { ...attributes, 'talos.entry.id': expect.any(String) as string }, status: 2, ended: true },
    ]);
    expect(JSON.stringify(seen)).not.toContain('giraffe');
  });

  it('[GUARD-SPANS] names that are none, which a model may make of its arguments, are not shown', async () => {
    const { guard, seen } = await traced();
    const call = { tool: 'read the giraffe', callId: 'giraffe, please', agentName: 'the giraffe’s', input: {} };
    await guard.check(call);
    await guard.run(call, () => 'never');
    expect(
      seen.map(({ name, attributes }) => [name, attributes['gen_ai.tool.name'], attributes['gen_ai.tool.call.id'], attributes['gen_ai.agent.name']]),
    ).toEqual([
      ['execute_tool _OTHER', '_OTHER', undefined, undefined],
      ['execute_tool _OTHER', '_OTHER', undefined, undefined],
    ]);
    expect(JSON.stringify(seen)).not.toContain('giraffe');
  });

  it('[GUARD-SPANS] without a tracer the guard is the client’s own', async () => {
    const { client, capability } = await traced();
    const own = client.guard({ capability });
    expect(openGuard({ client: { guard: () => own }, capability })).toBe(own);
  });
});
