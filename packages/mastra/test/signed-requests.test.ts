import { Agent } from '@mastra/core/agent';
import { Mastra } from '@mastra/core/mastra';
import { createTool } from '@mastra/core/tools';
import { MastraServer } from '@mastra/hono';
import { any, memoryHome, oneOf, optional, prefix, subpath, systemEnv, TalosClient } from '@talosprotocol/core';
import { signRequest } from '@talosprotocol/core/web';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { requestContextKeys, talosGuard } from '../src/index.ts';
import { modelCalling } from './support.ts';

const origin = 'http://localhost';

async function serving(options: { readonly origin?: string } = {}) {
  let offsetMs = 0;
  const env = { ...systemEnv, now: () => systemEnv.now() + offsetMs };
  const server = await TalosClient.create('server', { env, stores: memoryHome() });
  const caller = await TalosClient.create('caller', { env });
  // The replay set knows of no proof from before it began.
  offsetMs = 2000;
  const capability = await server.grant({ to: server.did, tools: { read: { path: subpath('docs') } } });
  const guard = talosGuard({ client: server, capability });
  const seen: unknown[] = [];
  const read = createTool({
    id: 'read',
    description: 'Reads.',
    inputSchema: z.object({ path: z.string() }),
    execute: async (_, { requestContext }) => void seen.push(requestContext?.get(requestContextKeys.caller)),
  });
  const model = modelCalling([{ name: 'read', args: { path: 'docs/a.md' } }]);
  const ops = new Agent({ id: 'ops', name: 'Ops', instructions: 'Do.', model: model as never, tools: guard.tools({ read }) });
  const mastra = new Mastra({ agents: { ops }, logger: false, server: { middleware: [guard.middleware({ signed: options })] } });
  const app = new Hono();
  await new MastraServer({ app: app as never, mastra }).init();
  const tools = { http: { method: oneOf(['POST']), path: prefix('/api/agents/ops/'), body: optional(any()) } };
  const access = await server.grant({ to: caller.did, at: server.did, tools });
  const sign = (request: Request): Promise<Request> => signRequest(request, { client: caller, capability: access, at: server.did });
  const types = async (): Promise<string[]> => {
    const all: string[] = [];
    for (let index = 0; index < server.log.size; index++) all.push((await server.log.entry(index)).entry.type);
    return all.filter((type) => /tool|policy/.test(type));
  };
  return { app, sign, caller, server, seen, types };
}

const ask = (path = '/api/agents/ops/generate', more: object = {}): Request =>
  new Request(origin + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'go' }], ...more }),
  });

describe('signed requests', () => {
  it('[MASTRA-SIGNED] a signed request runs the agent once, who reads the body and knows the caller', async () => {
    const { app, sign, caller, seen, types } = await serving();
    const signed = await sign(ask(undefined, { requestContext: { [requestContextKeys.caller]: 'did:key:z6MkSpoofed' } }));
    const replayed = signed.clone();
    expect((await app.request(signed)).status).toBe(200);
    expect(seen).toEqual([caller.did]);
    expect(await types()).toEqual(['tool.request', 'tool.request', 'tool.result', 'tool.result']);
    const again = await app.request(replayed);
    expect([again.status, await again.json()]).toMatchObject([401, { code: 'POP_REPLAYED' }]);
    expect(seen).toHaveLength(1);
  });

  it('[MASTRA-SIGNED] no other request does, on no route', async () => {
    const { app, sign, seen, types } = await serving();
    const signed = await sign(ask());
    const tampered = new Request(ask(undefined, { resourceId: 'of-another' }), {});
    for (const name of ['talos-capability', 'talos-invocation']) tampered.headers.set(name, signed.headers.get(name) ?? '');
    const statuses: [string, number][] = [];
    for (const [name, request] of Object.entries({
      unsigned: ask(),
      tampered,
      direct: ask('/api/agents/ops/tools/read/execute', { data: { path: 'docs/a.md' } }),
      list: new Request(`${origin}/api/agents`),
      ungranted: await sign(new Request(`${origin}/api/agents/other/generate`, { method: 'POST' })),
    }))
      statuses.push([name, (await app.request(request)).status]);
    expect(Object.fromEntries(statuses)).toEqual({ unsigned: 401, tampered: 401, direct: 401, list: 401, ungranted: 403 });
    expect([seen, await types()]).toEqual([[], ['policy.decision']]);
  });

  it('[MASTRA-SIGNED] behind a proxy the origin is the one that is named', async () => {
    const { app, sign, seen } = await serving({ origin: 'https://api.example.com' });
    expect((await app.request(await sign(ask()))).status).toBe(401);
    expect(seen).toEqual([]);
  });

  it('[MASTRA-SIGNED] needs a client that verifies', () => {
    const client = { guard: () => ({}) as never };
    expect(() => talosGuard({ client, capability: '' }).middleware({ signed: {} })).toThrow('TalosClient');
  });
});
