import { describe, expect, it } from 'vitest';
import { anyArgs, toolDigest } from '../../src/capability/index.ts';
import { makePair, schema, tool } from './support.ts';

const serve = [tool('search', () => []), tool('pay', () => 'paid')];

describe('what a peer serves', () => {
  it('[REMOTE-DESCRIBE] is what the capability covers, with schema and digest', async () => {
    const pair = await makePair({ serve, grant: { search: anyArgs() } });
    const definition = { name: 'search', description: 'search, for tests', inputSchema: schema };
    expect(await pair.a.describe(pair.b.did, { capability: pair.capability })).toEqual([{ ...definition, toolDigest: toolDigest(definition) }]);
    expect(await pair.a.describe(pair.b.did)).toEqual([]);
    const anothers = await pair.b.grant({ to: pair.b.did, at: pair.b.did, tools: { pay: anyArgs() } });
    expect(await pair.a.describe(pair.b.did, { capability: anothers })).toEqual([]);
    await pair.close();
  });

  it('[REMOTE-DESCRIBE] may be shown to everyone by who serves it, and is not served after it was taken away', async () => {
    const pair = await makePair();
    const remove = await pair.b.serve({ tools: serve, describe: 'everyone' });
    expect((await pair.a.describe(pair.b.did)).map(({ name }) => name)).toEqual(['search', 'pay']);
    remove();
    expect(await pair.a.describe(pair.b.did)).toEqual([]);
    await pair.close();
  });

  it('[REMOTE-DESCRIBE] a question that nobody answers ends with its client, and a time that is none is refused', async () => {
    const pair = await makePair();
    await expect(pair.a.describe(pair.b.did, { timeoutMs: Number.NaN })).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    await expect(pair.a.describe(pair.b.did, { timeoutMs: 2 ** 31 })).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    // It serves nothing, and so does not listen.
    const asked = pair.a.describe(pair.b.did);
    const outcome = asked.then(
      () => 'answered',
      (error: unknown) => (error as { readonly code?: unknown }).code,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pair.close();
    expect(await outcome).toBe('TALOS_REMOTE_NO_ANSWER');
  });

  it('[REMOTE-TOOLS] each can be called as a tool; a refusal is what a model reads, an error is thrown', async () => {
    const pair = await makePair({ serve: [...serve, tool('fail', () => Promise.reject(new Error('no')))], grant: { search: anyArgs(), pay: {}, fail: {} } });
    const tools = await pair.a.remoteTools(pair.b.did, { capability: pair.capability });
    const named = (name: string) => tools.find((one) => one.name === name)!;
    expect(await named('pay').execute({})).toBe('paid');
    await expect(named('pay').execute({ to: 'mallory' })).rejects.toMatchObject({ code: 'TALOS_DENIED', denialCode: 'ARG_UNLISTED' });
    await expect(named('fail').execute({})).rejects.toMatchObject({ code: 'TALOS_REMOTE_TOOL_FAILED' });
    expect((await named('search').call({})).receipt).toMatchObject({ countersignature: expect.any(String) });
    await expect(pair.a.remoteTools(pair.b.did, { capability: pair.capability, names: ['other'] })).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    await pair.close();
  });

  it('[REMOTE-DIGEST] a grant that pins a tool by its digest refuses another tool of that name', async () => {
    const pair = await makePair({ serve });
    const pinned = async (digest: string) => {
      const { issueCapability, toolGrants } = await import('../../src/capability/index.ts');
      const { loadIdentity } = await import('../../src/client/load-identity.ts');
      const { systemEnv } = await import('../../src/index.ts');
      const { identity } = await loadIdentity({ name: 'callee', keys: pair.homes.b.keys, env: systemEnv });
      const { parseAgentId } = await import('../../src/identity/agent-id.ts');
      const grants = toolGrants({ pay: anyArgs() }).map((grant) => ({ ...grant, tool_digest: digest }));
      const request = { holder: parseAgentId(pair.a.did), grants, audience: pair.b.did };
      return issueCapability(request, { signer: identity.signer, issuer: identity.did, env: systemEnv });
    };
    const right = toolDigest({ name: 'pay', description: 'pay, for tests', inputSchema: schema });
    expect(await pair.a.call(pair.b.did, 'pay', {}, { capability: await pinned(right) })).toMatchObject({ status: 'ok' });
    expect(await pair.a.call(pair.b.did, 'pay', {}, { capability: await pinned('0'.repeat(64)) })).toMatchObject({
      status: 'denied',
      denial: { code: 'TOOL_CHANGED' },
    });
    await pair.close();
  });
});
