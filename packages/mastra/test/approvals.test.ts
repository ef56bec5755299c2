import { Agent } from '@mastra/core/agent';
import { Mastra } from '@mastra/core/mastra';
import { InMemoryStore } from '@mastra/core/storage';
import { createTool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { anyArgs, memoryHome, TalosClient } from '@talosprotocol/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard } from '../src/index.ts';
import { modelCalling, toolOutputs } from './support.ts';

const inputSchema = z.object({ to: z.string() });
const call = (to: string, id = 'call_1') => [{ name: 'send', args: { to }, id }];

async function parts() {
  const client = await TalosClient.create('agent', { stores: memoryHome() });
  const boss = await TalosClient.create('boss', { stores: memoryHome() });
  const approve = { send: { when: 'always', by: [boss.did], m: 1, ttl: 60, reuse: 'exact' } } as const;
  const capability = await client.grant({ to: client.did, for: '15m', tools: { send: anyArgs() }, approve });
  const guard = talosGuard({ client, capability, turns: false, approvals: 'suspend' });
  const ran: string[] = [];
  const seen: unknown[] = [];
  const send = createTool({
    id: 'send',
    description: 'Sends.',
    inputSchema,
    outputSchema: z.any(),
    execute: async ({ to }, context) => {
      ran.push(to);
      seen.push(context.agent?.resumeData, context.workflow?.resumeData, context.resumeData);
      return `sent to ${to}`;
    },
  });
  const answer = async (verdict: 'allow' | 'deny') => {
    const [opening] = await client.approvals.open();
    return boss.answerApproval({ request: opening!.request, opening: opening!, verdict });
  };
  const log = async () => {
    const types: string[] = [];
    for (let index = 0; index < client.log.size; index++) {
      const { entry } = await client.log.entry(index);
      if (/^(tool|policy)/.test(entry.type)) types.push(entry.type);
    }
    return types;
  };
  return { client, capability, boss, guard, ran, seen, send, answer, log };
}

async function agentOf({ guard, send }: Awaited<ReturnType<typeof parts>>, model: ReturnType<typeof modelCalling>, by: 'agent' | 'toolset' = 'agent') {
  const config = { id: 'ops', name: 'Ops', instructions: 'Do.', model: model as never };
  const agent = new Agent(by === 'agent' ? guard.agent({ ...config, tools: { send } }) : guard.agent(config));
  const mastra = new Mastra({ agents: { ops: agent }, storage: new InMemoryStore(), logger: false });
  const ops = mastra.getAgent('ops');
  const options = by === 'agent' ? {} : { toolsets: { mcp: { send } } };
  const stream = await ops.stream('go', options as never);
  const suspended: unknown[] = [];
  for await (const chunk of stream.fullStream) if (chunk.type === 'tool-call-suspended') suspended.push(chunk.payload.suspendPayload);
  const resume = async (resumeData: unknown) => {
    const resumed = await ops.resumeStream(resumeData as never, { runId: stream.runId, ...options } as never);
    const again: unknown[] = [];
    for await (const chunk of resumed.fullStream) if (chunk.type === 'tool-call-suspended') again.push(chunk.payload.suspendPayload);
    return { again, text: await resumed.text };
  };
  return { finishReason: await stream.finishReason, suspended, resume };
}

describe('approvals by suspend and resume', () => {
  it.each(['agent', 'toolset'] as const)(
    '[MASTRA-TALOS-APPROVAL] an agent waits with the signed request and runs once when it is answered (%s)',
    async (by) => {
      const all = await parts();
      const { client, ran, seen, answer, log } = all;
      const model = modelCalling(call('bob'));
      const { finishReason, suspended, resume } = await agentOf(all, model, by);
      expect(finishReason).toBe('suspended');
      const [open] = await client.approvals.open();
      expect(suspended).toEqual([{ type: 'talos.approval', tool: 'send', callId: 'call_1', request: open!.request }]);
      expect([ran, await log()]).toEqual([[], ['policy.decision']]);
      expect(await resume({ answer: await answer('allow') })).toEqual({ again: [], text: 'done' });
      expect(ran).toEqual(['bob']);
      // The answer is the guard's: the tool was resumed with nothing.
      expect(seen).toEqual([undefined, undefined, undefined]);
      expect(await log()).toEqual(['policy.decision', 'tool.request', 'tool.result']);
      expect(JSON.stringify(toolOutputs(model)['call_1'])).toContain('sent to bob');
    },
  );

  it('[MASTRA-TALOS-APPROVAL] a forged answer suspends again and runs nothing', async () => {
    const all = await parts();
    const { ran, answer, log } = all;
    const { resume, suspended } = await agentOf(all, modelCalling(call('bob')));
    const good = await answer('allow');
    const [head = '', , signature = ''] = good.split('.');
    // The approver's refusal with its verdict turned, a signature that is cut, and what is no answer.
    const turned = Buffer.from((await answer('deny')).split('.')[1]!, 'base64url')
      .toString()
      .replace('"deny"', '"allow"');
    for (const bad of [`${head}.${Buffer.from(turned).toString('base64url')}.${signature}`, good.slice(0, -8), '', 'yes'])
      expect((await resume({ answer: bad })).again).toEqual(suspended);
    expect([ran, await log()]).toEqual([[], ['policy.decision']]);
    expect((await resume({ answer: good })).text).toBe('done');
    expect([ran, await log()]).toEqual([['bob'], ['policy.decision', 'tool.request', 'tool.result']]);
  });

  it('[MASTRA-TALOS-APPROVAL] what is no answer suspends again', async () => {
    const all = await parts();
    const { resume, suspended } = await agentOf(all, modelCalling(call('bob')));
    for (const bad of [{ approved: true }, { answer: 1 }, 'allow']) expect((await resume(bad)).again).toEqual(suspended);
    expect(all.ran).toEqual([]);
  });

  it('[MASTRA-TALOS-APPROVAL] a refusal by the approver is a refusal to the model, and the answer is for one run of just this call', async () => {
    const all = await parts();
    const { ran, answer } = all;
    const model = modelCalling(call('bob'));
    const { resume } = await agentOf(all, model);
    expect((await resume({ answer: await answer('deny') })).text).toBe('done');
    expect(ran).toEqual([]);
    expect(JSON.stringify(toolOutputs(model)['call_1'])).toContain('APPROVAL_DENIED');
    const again = await parts();
    const twice = await agentOf(again, modelCalling(call('bob'), call('eve', 'call_2'), call('bob', 'call_3')));
    const allow = await again.answer('allow');
    const { again: asked } = await twice.resume({ answer: allow });
    expect([again.ran, asked]).toMatchObject([['bob'], [{ callId: 'call_2' }]]);
    // Of another call's answer nothing follows.
    expect((await twice.resume({ answer: allow })).again).toMatchObject([{ callId: 'call_2' }]);
    expect(again.ran).toEqual(['bob']);
  });

  it('[MASTRA-TALOS-APPROVAL] a step of a workflow waits as well', async () => {
    const { guard, send, ran, answer, log } = await parts();
    const flow = createWorkflow({ id: 'flow', inputSchema, outputSchema: z.any() })
      .then(createStep(guard.tools({ send }).send as never))
      .commit();
    const mastra = new Mastra({ workflows: { flow }, storage: new InMemoryStore(), logger: false });
    const run = await mastra.getWorkflow('flow').createRun();
    expect(await run.start({ inputData: { to: 'bob' } as never })).toMatchObject({ status: 'suspended' });
    expect(await run.resume({ resumeData: { answer: 'forged' } as never })).toMatchObject({ status: 'suspended' });
    expect(ran).toEqual([]);
    expect(await run.resume({ resumeData: { answer: await answer('allow') } as never })).toMatchObject({ status: 'success' });
    expect([ran, await log()]).toEqual([['bob'], ['policy.decision', 'tool.request', 'tool.result']]);
  });

  it('[MASTRA-TALOS-APPROVAL] where nothing can wait the call is refused, and without the option too', async () => {
    const { client, capability, guard, send, ran } = await parts();
    await expect((guard.tools({ send }).send.execute as (input: object, context: object) => Promise<unknown>)({ to: 'bob' }, {})).rejects.toMatchObject({
      denialCode: 'APPROVAL_REQUIRED',
    });
    const plain = talosGuard({ client, capability, turns: false });
    const model = modelCalling(call('bob'));
    const agent = new Agent(plain.agent({ id: 'ops', name: 'Ops', instructions: 'Do.', model: model as never, tools: { send } }));
    expect((await agent.generate('go')).text).toBe('done');
    expect(JSON.stringify(toolOutputs(model)['call_1'])).toContain('APPROVAL_REQUIRED');
    expect(ran).toEqual([]);
    expect(() => talosGuard({ client: { guard: () => ({}) as never }, capability, approvals: 'suspend' })).toThrow('needs a TalosClient');
  });
});
