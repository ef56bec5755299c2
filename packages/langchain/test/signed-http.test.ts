import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { memoryHome, systemEnv, TalosClient } from '@talosprotocol/core';
import { signRequest } from '@talosprotocol/core/web';
import { tool } from 'langchain';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard } from '../src/index.ts';
import { modelCalling, runAgent } from './support.ts';

type Entry = { readonly type: string } & Record<string, unknown>;
type Place = { readonly origin: string; readonly did: TalosClient['did']; readonly capability: string };

async function serving(caller: TalosClient) {
  const script = fileURLToPath(new URL('agent-server.ts', import.meta.url));
  const args = ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', script, caller.did];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<unknown> => JSON.parse(((await lines.next()) as { value: string }).value);
  const place = (await line()) as Place;
  const end = async () => {
    child.stdin.end('end\n');
    return (await line()) as { readonly ran: readonly string[]; readonly entries: readonly Entry[] };
  };
  return { ...place, end, kill: () => child.kill('SIGKILL') };
}

it('[LANGCHAIN-SIGNED-HTTP] an agent in another process answers only what its caller signed and may ask, and both guards decide', async () => {
  const caller = await TalosClient.create('boss', { stores: memoryHome(), env: { ...systemEnv, now: () => systemEnv.now() + 2000 } });
  const { origin, did, capability, end, kill } = await serving(caller);
  try {
    const post = (question: string) =>
      new Request(`${origin}/runs/wait`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ question }) });
    const sign = (request: Request) => signRequest(request, { client: caller, capability, at: did });
    const sent: Request[] = [];
    const ask = tool(
      async ({ question }) => {
        const request = await sign(post(question));
        sent.push(request.clone());
        const response = await fetch(request);
        return `${response.status} ${await response.text()}`;
      },
      { name: 'ask', description: 'Asks the researcher.', schema: z.object({ question: z.string() }) },
    );
    const own = await caller.grant({ to: caller.did, tools: { ask: { question: { eq: 'what is in docs?' } } } });
    const guard = talosGuard({ client: caller, capability: own });
    const calls = ['what is in docs?', 'what is in etc?'].map((question, i) => ({ name: 'ask', args: { question }, id: `call_${i}` }));
    const { results } = await runAgent({ model: modelCalling(calls), tools: guard.tools([ask]), name: 'boss' });
    expect(results['call_0']?.content).toMatch(/^200 /);
    const answer = JSON.parse(results['call_0']!.content.slice(4)) as { caller: string; asked: object; answer: string };
    expect(answer).toMatchObject({ caller: caller.did, asked: { question: 'what is in docs?' } });
    expect(answer.answer).toContain('contents of docs/a.md');
    expect(answer.answer).toContain('ARG_VIOLATES');
    expect(results['call_1']?.content).toContain('ARG_VIOLATES');
    expect(sent).toHaveLength(1);
    // Again, unsigned, with another body, to another path: the agent does not run.
    const signed = await sign(post('what is in docs?'));
    const changed = new Request(`${origin}/runs/wait`, { method: 'POST', headers: signed.headers, body: '{"question":"all of it"}' });
    const elsewhere = await sign(new Request(`${origin}/runs/all`, { method: 'POST', body: '{}' }));
    const statuses = [];
    for (const request of [sent[0]!, post('what is in docs?'), changed, elsewhere]) statuses.push((await fetch(request)).status);
    expect(statuses).toEqual([401, 401, 401, 403]);
    const { ran, entries } = await end();
    expect(ran).toEqual(['docs/a.md']);
    const decided = entries
      .filter(({ type }) => /tool.request|policy/.test(type))
      .map((entry) => [entry.type, entry['gen_ai.tool.name'], entry['gen_ai.agent.name']]);
    // The two calls of a turn are made at once.
    expect(decided.map((entry) => entry.join(' ')).toSorted()).toEqual([
      `policy.decision http ${caller.did}`,
      'policy.decision read researcher',
      `tool.request http ${caller.did}`,
      'tool.request read researcher',
    ]);
    expect(JSON.stringify(entries)).not.toMatch(/what is in|contents of|docs\/a/);
  } finally {
    kill();
    await caller.close();
  }
});
