import { describe, expect, it } from 'vitest';
import { sha256 } from '#suite';
import { any } from '../../src/capability/constraints/any.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { logText, world } from './support.ts';

const turn = { type: 'model.turn', outcome: 'ok' } as const;

describe('record', () => {
  it('[GUARD-RECORD] commits to what went into a turn of a model and came out, and keeps neither', async () => {
    const { guard, client, entries } = await world({ read: { path: any() } });
    const at = client.log.size;
    await guard.record({
      ...turn,
      runId: 'run-7',
      agentName: 'reader',
      framework: 'test',
      model: 'acme-large',
      provider: 'acme',
      calls: [
        { tool: 'read', callId: 'c1' },
        { tool: 'a name\nof a model', atProvider: true },
      ],
      stripped: ['web_search'],
      input: [{ role: 'user', content: 'a secret question' }],
      output: { text: 'a secret answer' },
    });
    const [entry] = await entries();
    expect(entry).toMatchObject({
      type: 'model.turn',
      agent: guard.agent,
      run: 'run-7',
      'gen_ai.agent.name': 'reader',
      framework: 'test',
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'acme-large',
      'gen_ai.provider.name': 'acme',
      calls: [{ tool: 'read', call: 'c1' }, { at_provider: true }],
      call_count: 2,
      stripped: ['web_search'],
      outcome: 'ok',
    });
    expect(await logText(client)).not.toMatch(/secret|of a model/);
    const openings = await client.log.openings(at);
    expect(openings.map(({ field, payload }) => [field, payload])).toEqual([
      ['input', sha256(encodeUtf8('[{"content":"a secret question","role":"user"}]'))],
      ['output', sha256(encodeUtf8('{"text":"a secret answer"}'))],
    ]);
  });

  it('[GUARD-RECORD] says of what is no plain JSON that it is not committed to', async () => {
    const { guard, entries } = await world({});
    await guard.record({ ...turn, input: [new Uint8Array(3)], output: 'x', outcome: 'cancelled' });
    const [entry] = await entries();
    expect(entry).toMatchObject({ opaque: ['input'], outcome: 'cancelled' });
    expect(Object.keys(entry?.commit ?? {})).toEqual(['output']);
  });

  it('[GUARD-RECORD] lists a bounded number of calls and counts them all', async () => {
    const { guard, entries } = await world({});
    await guard.record({ ...turn, calls: Array.from({ length: 5000 }, (_, i) => ({ tool: 'read', callId: `${'c'.repeat(120)}${i}` })) });
    const [entry] = await entries();
    expect(entry?.['calls']).toHaveLength(64);
    expect(entry?.['call_count']).toBe(5000);
  });

  it('[GUARD-RECORD] records a handoff to another agent', async () => {
    const { guard, entries } = await world({});
    await guard.record({ type: 'handoff', to: 'researcher', callId: 'c1', runId: 'run-7', outcome: 'ok', input: 'find out' });
    expect((await entries())[0]).toMatchObject({ type: 'handoff', to: 'researcher', 'gen_ai.tool.call.id': 'c1', run: 'run-7', outcome: 'ok' });
  });

  it('[GUARD-RECORD] rejects if it could not be recorded', async () => {
    const { guard, failLogAfter } = await world({});
    failLogAfter(0);
    await expect(guard.record(turn)).rejects.toThrow();
  });
});
