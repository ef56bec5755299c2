import { Mastra } from '@mastra/core/mastra';
import { Agent } from '@mastra/core/agent';
import { registerApiRoute } from '@mastra/core/server';
import { createTool } from '@mastra/core/tools';
import { MastraServer } from '@mastra/hono';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { requestContextKeys, talosGuard, type TalosGuard } from '../src/index.ts';
import { agentGranted, agentWith, modelCalling } from './support.ts';

const path = z.object({ path: z.string() });
const granted = { read: { path: { subpath: { root: 'docs' } } } } as const;

function reader(id = 'read-file') {
  const calls: { path: string; context: { requestContext: { get(key: string): unknown } } }[] = [];
  const read = createTool({
    id,
    description: 'Reads a file.',
    inputSchema: path,
    execute: async (input, context) => void calls.push({ path: input.path, context: context as never }),
  });
  return { read, calls };
}

type Setup = {
  readonly guard: TalosGuard;
  readonly agents?: Record<string, Agent>;
  readonly tools?: Record<string, object>;
  readonly registered?: Record<string, object>;
  readonly prefix?: string;
};

/** Mastra's own server on Hono: requests go through the app, not through a socket. */
async function serve({ guard, agents = {}, tools = {}, registered, prefix }: Setup) {
  const mastra = new Mastra({ agents, tools: tools as never, logger: false, server: { middleware: [guard.middleware()] } });
  const app = new Hono();
  await new MastraServer({
    app: app as never,
    mastra,
    ...(registered === undefined ? {} : { tools: registered as never }),
    ...(prefix === undefined ? {} : { prefix }),
  }).init();
  return (url: string, data: unknown, more: object = {}) =>
    app.request(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ data, ...more }) });
}

const agentNamed = (id: string, tools: Record<string, object>, agents: Record<string, Agent> = {}) =>
  new Agent({ id, name: id, instructions: 'Do.', model: modelCalling() as never, tools: tools as never, agents });

describe('the direct routes', () => {
  const routes = ['/api/tools/read-file/execute', '/api/agents/ops/tools/read-file/execute'];

  it('[MASTRA-ROUTES] [MASTRA-ROUTE-DENIED] [MASTRA-NO-WAY-AROUND] run a guarded tool under its guard', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, calls } = reader();
    const post = await serve({ guard, agents: { ops: agentNamed('ops', guard.tools({ read })) } });
    for (const route of routes) {
      expect((await post(route, { path: 'docs/a.md' })).status).toBe(200);
      const refused = await post(route, { path: '../../etc/passwd' });
      expect(refused.status).toBe(403);
      expect(await refused.text()).toContain('ARG_VIOLATES');
    }
    expect(calls.map((call) => call.path)).toEqual(['docs/a.md', 'docs/a.md']);
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result', 'policy.decision', 'tool.request', 'tool.result', 'policy.decision']);
  });

  it('[MASTRA-ROUTES] answer 403 for a tool that is not guarded, and for one that is not there', async () => {
    const { guard } = await agentGranted(granted);
    const { read, calls } = reader();
    const post = await serve({ guard, agents: { ops: agentNamed('ops', { read }) }, tools: { other: reader('other').read } });
    for (const route of [
      ...routes,
      '/api/tools/other/execute',
      '/api/tools/none/execute',
      '/api/agents/none/tools/read-file/execute',
      '/api/mcp/server/tools/read-file/execute',
    ]) {
      const response = await post(route, { path: 'docs/a.md' });
      expect([route, response.status]).toEqual([route, 403]);
      expect(await response.json()).toEqual({ denied: true, code: 'TOOL_UNGRANTED', message: expect.any(String) as string, retryable: false });
    }
    expect(calls).toEqual([]);
  });

  it('[MASTRA-ROUTES] answer 403 when one of several tools of that name is not guarded', async () => {
    const { guard } = await agentGranted(granted);
    const [bare, raw, good] = [reader(), reader('raw'), reader()];
    const guarded = guard.tools({ read: good.read });
    const setups: Setup[] = [
      { guard, tools: guarded, agents: { ops: agentNamed('ops', { read: bare.read }) } },
      // The route takes a tool of the server by its key, before one of an agent by its id.
      { guard, tools: { 'read-file': raw.read }, agents: { ops: agentNamed('ops', guarded) } },
      { guard, registered: { read: bare.read }, agents: { ops: agentNamed('ops', guarded) } },
    ];
    for (const setup of setups) expect((await (await serve(setup))('/api/tools/read-file/execute', { path: 'docs/a.md' })).status).toBe(403);
    expect([...bare.calls, ...raw.calls, ...good.calls]).toEqual([]);
  });

  it('[MASTRA-ROUTES] look at the agent that the route means, sub-agents included', async () => {
    const { guard } = await agentGranted(granted);
    const [bare, good] = [reader(), reader()];
    const guarded = guard.tools({ read: good.read });
    const below = { helper: agentNamed('sub', { read: bare.read }), reader: agentNamed('guarded-sub', guarded) };
    const agents = { ops: agentNamed('ops', guarded, below), raw: agentNamed('raw', { read: bare.read }) };
    const post = await serve({ guard, agents });
    for (const agent of ['ops', 'reader']) expect((await post(`/api/agents/${agent}/tools/read%2Dfile/execute`, { path: 'docs/a.md' })).status).toBe(200);
    for (const agent of ['raw', 'helper', 'sub']) expect((await post(`/api/agents/${agent}/tools/read-file/execute`, { path: 'docs/a.md' })).status).toBe(403);
    expect([bare.calls.length, good.calls.length]).toEqual([0, 2]);
  });

  it('[MASTRA-ROUTES] answer 403 where the tool behind the route cannot be told, guarded or not', async () => {
    const { guard } = await agentGranted(granted);
    const { read } = reader();
    const post = await serve({ guard, tools: guard.tools({ read }), agents: { ops: agentNamed('ops', guard.tools({ read })) } });
    for (const route of [
      '/api/mcp/server/tools/read-file/execute',
      '/api/agents/ops/versions/2/tools/read-file/execute',
      '/api/mcp/server/v/2/tools/read-file/execute',
    ]) {
      expect([route, (await post(route, { path: 'docs/a.md' })).status]).toEqual([route, 403]);
    }
  });

  it('[MASTRA-ROUTES] answer 403 for agents that an editor may change after they were looked at', async () => {
    const { guard } = await agentGranted(granted);
    const [bare, good] = [reader(), reader()];
    const agent = { applyStoredOverrides: async () => agentNamed('ops', { read: bare.read }), getById: async () => null };
    const editor = { registerWithMastra: () => {}, agent };
    const mastra = new Mastra({
      agents: { ops: agentNamed('ops', guard.tools({ read: good.read })) },
      editor: editor as never,
      logger: false,
      server: { middleware: [guard.middleware()] },
    });
    const app = new Hono();
    await new MastraServer({ app: app as never, mastra }).init();
    const body = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ data: { path: '/etc/passwd' } }) };
    expect((await app.request('/api/agents/ops/tools/read-file/execute', body)).status).toBe(403);
    expect(bare.calls).toEqual([]);
  });

  it('[MASTRA-ROUTES] answer 403 when an agent’s tools cannot be listed', async () => {
    const { guard } = await agentGranted(granted);
    const { read, calls } = reader();
    const broken = new Agent({
      id: 'broken',
      name: 'broken',
      instructions: 'Do.',
      model: modelCalling() as never,
      tools: () => Promise.reject(new Error('no tools today')),
    });
    const post = await serve({ guard, tools: guard.tools({ read }), agents: { broken } });
    expect((await post('/api/tools/read-file/execute', { path: 'docs/a.md' })).status).toBe(403);
    expect(calls).toEqual([]);
  });

  it('[MASTRA-ROUTE-PATHS] are recognised in every spelling', async () => {
    const { guard } = await agentGranted(granted);
    const { read, calls } = reader();
    const post = await serve({ guard, agents: { ops: agentNamed('ops', { read }) } });
    const spellings = [
      '/api/tools/%72ead-file/execute',
      '/api/tools/read%2Dfile/execute',
      '/api/t%6Fols/read-file/%65xecute',
      '/api/%74%6f%6f%6c%73/read-file/execute',
      '/api/tools/read-file/%2565xecute',
      '/api/tools/read-file/execute/',
      '/api//tools//read-file/execute',
      '//api/tools/read-file/execute',
      '/api/x/../tools/read-file/execute',
      '/api/x/%2e%2e/tools/read-file/execute',
      '\\api\\tools\\read-file\\execute',
      '/api/tools/read-file/execute?runId=1',
      '/api/tools/read-file/execute#x',
      '/api/TOOLS/read-file/Execute',
      '/api/agents/ops/tools/read-file/execute/',
      '/api/agents/%6Fps/tools/read-file/execute',
      '/api/agents/ops/versions/2/tools/read-file/execute',
      '/api/tools/read-file%/execute',
      '/api/tools/%E0%A4%A/execute',
    ];
    for (const spelling of spellings) expect([spelling, (await post(spelling, { path: 'docs/a.md' })).status]).toEqual([spelling, 403]);
    expect(calls).toEqual([]);
  });

  it('[MASTRA-ROUTE-PATHS] name the tool as the router does', async () => {
    const { guard } = await agentGranted(granted);
    const { read, calls } = reader('files/read');
    const post = await serve({ guard, tools: guard.tools({ read }) });
    expect((await post('/api/tools/files%2Fread/execute', { path: 'docs/a.md' })).status).toBe(200);
    expect(calls).toHaveLength(1);
  });

  it('[MASTRA-ROUTE-PATHS] are recognised under another prefix', async () => {
    const { guard } = await agentGranted(granted);
    const { read, calls } = reader();
    for (const prefix of ['/v2/mastra', '/']) {
      const post = await serve({ guard, agents: { ops: agentNamed('ops', { read }) }, prefix });
      expect((await post(`${prefix}/tools/read-file/execute`.replace('//', '/'), { path: 'docs/a.md' })).status).toBe(403);
    }
    expect(calls).toEqual([]);
  });

  it('[MASTRA-ROUTES] leave the other routes alone', async () => {
    const { guard } = await agentGranted(granted);
    const { read, calls } = reader();
    const model = modelCalling([
      { name: 'read', args: { path: 'docs/a.md' } },
      { name: 'read', args: { path: '/etc/passwd' } },
    ]);
    const post = await serve({ guard, agents: { ops: agentWith(model, guard.tools({ read })) } });
    const response = await post('/api/agents/ops/generate', undefined, { messages: [{ role: 'user', content: 'go' }] });
    expect(response.status).toBe(200);
    expect(calls.map((call) => call.path)).toEqual(['docs/a.md']);
  });
});

describe('routes that the middleware does not see', () => {
  it('[MASTRA-NO-WAY-AROUND] a route without authentication reaches a guarded tool only as far as it is granted', async () => {
    const { guard } = await agentGranted(granted);
    const { read, calls } = reader();
    const tools = guard.tools({ read });
    const run = tools.read.execute as unknown as (input: object, context: object) => Promise<unknown>;
    const handler = async (c: { req: { json(): Promise<object> }; json(value: unknown): Response }) =>
      c.json({ answer: await run(await c.req.json(), {}).catch((error: { denialCode: string }) => error.denialCode) });
    const route = registerApiRoute('/open', { method: 'POST', requiresAuth: false, handler: handler as never });
    const mastra = new Mastra({ logger: false, server: { middleware: [guard.middleware()], apiRoutes: [route] } });
    const app = new Hono();
    await new MastraServer({ app: app as never, mastra, customApiRoutes: [route] } as never).init();
    const post = async (body: object) => {
      const response = await app.request('/open', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      return [response.status, response.status === 200 ? ((await response.json()) as { answer?: unknown }).answer : undefined];
    };
    expect(await post({ path: '/etc/passwd' })).toEqual([200, 'ARG_VIOLATES']);
    expect(await post({ path: 'docs/a.md' })).toEqual([200, undefined]);
    expect(calls.map((call) => call.path)).toEqual(['docs/a.md']);
  });
});

describe('the request context', () => {
  it('[MASTRA-CONTEXT] [MASTRA-CONTEXT-SPOOF] has our guard and run id, whatever the body says', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, calls } = reader();
    const post = await serve({ guard, tools: guard.tools({ read }) });
    const spoofed = { [requestContextKeys.guard]: { tools: 'mine' }, [requestContextKeys.runId]: 'run-of-another', talosAgent: 'did:key:z6Mk', tenant: 'acme' };
    expect((await post('/api/tools/read-file/execute?runId=run-of-another', { path: 'docs/a.md' }, { requestContext: spoofed })).status).toBe(200);
    const seen = calls[0]?.context.requestContext;
    expect(seen?.get(requestContextKeys.guard)).toBe(guard);
    expect(seen?.get('talosAgent')).toBeUndefined();
    expect(seen?.get('tenant')).toBe('acme');
    const [request] = await log();
    expect(request?.['run']).toBe(seen?.get(requestContextKeys.runId));
    expect(JSON.stringify(await log())).not.toContain('run-of-another');
  });

  it('[MASTRA-CONTEXT-SPOOF] without the middleware no run id of the body is recorded', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, calls } = reader();
    const mastra = new Mastra({ tools: guard.tools({ read }) as never, logger: false });
    const app = new Hono();
    await new MastraServer({ app: app as never, mastra }).init();
    const body = { data: { path: 'docs/a.md' }, requestContext: { [requestContextKeys.runId]: 'run-of-another', [requestContextKeys.guard]: { tools: 'x' } } };
    await app.request('/api/tools/read-file/execute', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    expect(calls).toHaveLength(1);
    expect((await log())[0]).not.toHaveProperty('run');
  });

  it('[MASTRA-CONTEXT] lets tools be guarded per request', async () => {
    const { guard } = await agentGranted(granted);
    const { read, calls } = reader();
    const agent = new Agent({
      id: 'ops',
      name: 'Ops',
      instructions: 'Do.',
      model: modelCalling() as never,
      tools: ({ requestContext }) => ((requestContext.get(requestContextKeys.guard) as TalosGuard | undefined)?.tools({ read }) ?? {}) as never,
    });
    const post = await serve({ guard, agents: { ops: agent } });
    expect((await post('/api/agents/ops/tools/read-file/execute', { path: 'docs/a.md' })).status).toBe(200);
    expect((await post('/api/agents/ops/tools/read-file/execute', { path: '/etc/passwd' })).status).toBe(403);
    expect(calls).toHaveLength(1);
  });

  it('[MASTRA-MIDDLEWARE-PLACE] refuses to work outside Mastra’s server', async () => {
    const { client, capability } = await agentGranted(granted);
    const app = new Hono();
    let reached = false;
    app.use('*', talosGuard({ client, capability }).middleware());
    app.post('*', (c) => {
      reached = true;
      return c.text('ok');
    });
    app.onError((error, c) => c.text(error.message, 500));
    const response = await app.request('/api/agents/ops/generate', { method: 'POST' });
    expect([response.status, await response.text(), reached]).toEqual([500, expect.stringContaining('guard.middleware()'), false]);
  });
});
