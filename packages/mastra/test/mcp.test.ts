import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent } from '@mastra/core/agent';
import { MCPClient } from '@mastra/mcp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toolDigests, talosGuard } from '../src/index.ts';
import { agentGranted, modelCalling, toolOutputs } from './support.ts';

const dir = mkdtempSync(join(tmpdir(), 'talos-mastra-mcp-'));
const ran = join(dir, 'ran');
const docs = { path: { subpath: { root: 'docs' } } } as const;
const callsOf = (name: string) => [
  { name, args: { path: 'docs/a.md' }, id: 'a' },
  { name, args: { path: '../../etc/passwd' }, id: 'b' },
];
const base = { id: 'ops', name: 'Ops', instructions: 'Do.' } as const;
let mcp: MCPClient;

beforeAll(() => {
  const script = fileURLToPath(new URL('mcp-server.ts', import.meta.url));
  mcp = new MCPClient({
    id: dir,
    servers: { files: { command: process.execPath, args: [script, ran], env: { MASTRA_TELEMETRY_DISABLED: '1' } } },
    timeout: 60_000,
  });
}, 60_000);

afterAll(async () => {
  await mcp.disconnect();
  rmSync(dir, { recursive: true, force: true });
});

describe('tools of an MCP server in another process', () => {
  it.each(['guard.tools', 'guard.agent', 'toolsets'] as const)(
    '[MASTRA-MCP] are guarded by name and arguments before anything is sent (%s)',
    async (by) => {
      writeFileSync(ran, '');
      // The model knows the tools of a toolset by their own name.
      const name = by === 'toolsets' ? 'read' : 'files_read';
      const { guard, log } = await agentGranted({ [name]: docs });
      const model = modelCalling(callsOf(name));
      const config = { ...base, model: model as never };
      if (by === 'guard.tools') await new Agent({ ...config, tools: guard.tools(await mcp.listTools()) }).generate('go');
      if (by === 'guard.agent') await new Agent(guard.agent({ ...config, tools: await mcp.listTools() })).generate('go');
      if (by === 'toolsets') await new Agent(guard.agent(config)).generate('go', { toolsets: await mcp.listToolsets() });
      const outputs = toolOutputs(model);
      expect(JSON.stringify(outputs['a'])).toContain('contents of docs/a.md');
      expect(JSON.stringify(outputs['b'])).toContain('ARG_VIOLATES');
      expect(readFileSync(ran, 'utf8')).toBe('docs/a.md\n');
      expect(
        (await log())
          .map(({ type }) => type)
          .filter((type) => /tool|policy/.test(type))
          .toSorted(),
      ).toEqual(['policy.decision', 'tool.request', 'tool.result']);
    },
    60_000,
  );

  it('[MASTRA-MCP] can be pinned as the server describes them', async () => {
    writeFileSync(ran, '');
    const { client } = await agentGranted({ files_read: docs });
    const tools = await mcp.listTools();
    const pinned = toolDigests(tools);
    for (const [digests, expected] of [
      [pinned, 'docs/a.md\n'],
      [{ files_read: '0'.repeat(64) }, ''],
    ] as const) {
      writeFileSync(ran, '');
      const capability = await client.grant({ to: client.did, tools: { files_read: docs }, toolDigests: digests });
      const guard = talosGuard({ client, capability });
      await new Agent(guard.agent({ ...base, model: modelCalling(callsOf('files_read').slice(0, 1)) as never, tools })).generate('go');
      expect(readFileSync(ran, 'utf8')).toBe(expected);
    }
  }, 60_000);
});
