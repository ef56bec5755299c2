import { describe, expect, it } from 'vitest';
import { any } from '../../src/capability/constraints/any.ts';
import { subpath } from '../../src/capability/constraints/subpath.ts';
import { TalosDeniedError } from '../../src/errors/denied-error.ts';
import { deniedError } from '../../src/guard/refusal.ts';
import type { GuardedResult } from '../../src/guard/guard.ts';
import { logText, world } from './support.ts';

const docs = { read: { path: subpath('docs') } };
const call = (path: unknown, more: object = {}) => ({ tool: 'read', input: { path }, ...more });

describe('run', () => {
  it('[GUARD-HALLWAY] records the request before the tool runs and its result after', async () => {
    const { guard, entries } = await world(docs);
    let before: string[] = [];
    const result = await guard.run(call('docs/a.md', { callId: 'call_1', runId: 'run-7', agentName: 'reader', framework: 'test' }), async ({ path }) => {
      before = (await entries()).map(({ type }) => type);
      return ['read', path];
    });
    expect(before).toEqual(['tool.request']);
    expect(result).toMatchObject({ status: 'ok', value: ['read', 'docs/a.md'] });
    const [request, outcome] = await entries();
    expect(request).toMatchObject({
      type: 'tool.request',
      policy: { decision: 'allow' },
      'gen_ai.tool.name': 'read',
      'gen_ai.tool.call.id': 'call_1',
      run: 'run-7',
      'gen_ai.agent.name': 'reader',
      framework: 'test',
    });
    expect(outcome).toMatchObject({ type: 'tool.result', outcome: 'ok', cap: request?.['cap'], agent: guard.agent });
    expect(outcome?.['intent']).toBe(outcome?.recorder_prev);
  });

  it('[GUARD-REFUSED] neither runs nor requests what is not granted', async () => {
    const { guard, entries } = await world(docs);
    let ran = false;
    const result = await guard.run(call('../etc/passwd'), () => (ran = true));
    expect(result).toMatchObject({
      status: 'denied',
      denial: { code: 'ARG_VIOLATES', arg: 'path' },
      refusal: { denied: true, code: 'ARG_VIOLATES', retryable: false },
    });
    expect(ran).toBe(false);
    expect((await entries()).map(({ type, policy }) => [type, (policy as { code?: string }).code])).toEqual([['policy.decision', 'ARG_VIOLATES']]);
  });

  it('[GUARD-THROW] hands back the very error of the tool', async () => {
    const { guard, entries } = await world(docs);
    const error = new RangeError('no such file');
    const result = await guard.run(call('docs/a.md'), () => Promise.reject(error));
    expect((result as { error?: unknown }).error).toBe(error);
    expect((await entries())[1]).toMatchObject({ type: 'tool.result', outcome: 'tool_error', 'error.type': 'RangeError' });
    expect((await entries())[1]).not.toHaveProperty('commit');
  });

  it('[GUARD-CANCELLED] tells an abort from a failure', async () => {
    const { guard, entries } = await world(docs);
    const abort = new AbortController();
    await guard.run(call('docs/a.md', { signal: abort.signal }), () => {
      abort.abort();
      throw new Error('aborted');
    });
    expect((await entries())[1]).toMatchObject({ outcome: 'cancelled' });
  });

  it('[GUARD-PARALLEL] keeps sixteen calls apart', async () => {
    const { guard, entries } = await world(docs);
    const results = await Promise.all(Array.from({ length: 16 }, (_, i) => guard.run(call(i % 4 === 0 ? `../${i}` : `docs/${i}`), ({ path }) => path)));
    expect(results.map((result) => (result.status === 'ok' ? result.value : result.status))).toEqual(
      Array.from({ length: 16 }, (_, i) => (i % 4 === 0 ? 'denied' : `docs/${i}`)),
    );
    const counted = Map.groupBy(await entries(), ({ type }) => type);
    expect([counted.get('tool.request')?.length, counted.get('tool.result')?.length, counted.get('policy.decision')?.length]).toEqual([12, 12, 4]);
  });
});

describe('the copy', () => {
  it('[GUARD-COPY] does not see what the caller changes while the log is written', async () => {
    const { guard } = await world(docs);
    const input: Record<string, unknown> = { path: 'docs/a.md' };
    const running = guard.run({ tool: 'read', input }, ({ path }) => path);
    input['path'] = '/etc/passwd';
    expect(await running).toMatchObject({ status: 'ok', value: 'docs/a.md' });
  });

  it('[GUARD-COPY] gives the tool an object of its own, not frozen', async () => {
    const { guard } = await world({ read: { path: any() } });
    const input = { path: { parts: ['docs', 'a.md'] } };
    await guard.run({ tool: 'read', input }, (own) => {
      (own['path'] as { parts: string[] }).parts.push('changed');
      expect(own).not.toBe(input);
    });
    expect(input.path.parts).toEqual(['docs', 'a.md']);
  });

  it('[GUARD-PLAIN] reads a proxy once', async () => {
    const { guard } = await world(docs);
    let reads = 0;
    const target = { path: 'docs/a.md' };
    const shifting = new Proxy(target, {
      getOwnPropertyDescriptor: (_, name) => ({
        ...Reflect.getOwnPropertyDescriptor(target, name),
        value: reads++ === 0 ? 'docs/a.md' : '/etc/passwd',
        configurable: true,
        enumerable: true,
        writable: true,
      }),
    });
    const result = await guard.run({ tool: 'read', input: shifting }, ({ path }) => path);
    expect(result.status === 'ok' ? result.value : 'denied').not.toBe('/etc/passwd');
  });

  const date = new Date(0);
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const getter = Object.defineProperty({}, 'x', { enumerable: true, get: () => 'docs/a.md' });
  const polluted = JSON.parse('{"__proto__":{"admin":true}}') as object;
  it.each([
    ['a date', date, 'path'],
    ['a set', new Set(['docs']), 'path'],
    ['a class instance', new (class Path {})(), 'path'],
    ['a function', () => 'docs', 'path'],
    ['a symbol', Symbol('docs'), 'path'],
    ['a bigint', 1n, 'path'],
    ['not a number', Number.NaN, 'path'],
    ['infinity', Number.POSITIVE_INFINITY, 'path'],
    ['a lone surrogate', 'docs/\ud800', 'path'],
    ['a getter', getter, 'path.x'],
    ['an accessor that gives nothing', Object.defineProperty({}, 'x', { enumerable: true, get: undefined as never }), 'path.x'],
    ['a hole', [1, , 3], 'path[1]'], // eslint-disable-line no-sparse-arrays -- the case
    ['undefined in a list', ['a', undefined], 'path[1]'],
    ['a date deep down', { a: [{ b: date }] }, 'path.a[0].b'],
    ['a __proto__ member', polluted, 'path.__proto__'],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('trap');
          },
        },
      ),
      '',
    ],
    ['a typed array', new Uint8Array(3), 'path'],
  ])('[GUARD-PLAIN] refuses %s and says where', async (_, value, path) => {
    const { guard } = await world({ read: { path: any() } });
    let ran = false;
    const result = await guard.run(call(value), () => (ran = true));
    expect(result).toMatchObject({ status: 'denied', denial: { code: 'ARG_VIOLATES', constraint: 'plain-json', arg: path } });
    expect(ran).toBe(false);
  });

  it('[GUARD-PLAIN] refuses a cycle, a deep tree and a flood of values', async () => {
    const { guard } = await world({ read: { path: any() } });
    let deep: unknown = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    for (const hostile of [cyclic, deep, new Array(200_000).fill(0), 'x'.repeat(2 ** 21)]) {
      expect((await guard.run(call(hostile), () => 'ran')).status).toBe('denied');
    }
  });

  it.each([
    ['a list', []],
    ['a text', 'docs'],
    ['a number', 7],
  ])('[GUARD-PLAIN] refuses %s in place of the arguments', async (_, input) => {
    const { guard } = await world({ read: {} });
    expect((await guard.run({ tool: 'read', input }, () => 'ran')).status).toBe('denied');
    expect((await guard.run({ tool: 'read', input: undefined }, () => 'ran')).status).toBe('ok');
  });
});

describe('a log that fails', () => {
  it('[GUARD-LOG-FIRST] stops the call before the tool', async () => {
    const { guard, failLogAfter } = await world(docs);
    failLogAfter(0);
    let ran = false;
    const result = await guard.run(call('docs/a.md'), () => (ran = true));
    expect(result).toMatchObject({ status: 'denied', denial: { code: 'LOG_UNAVAILABLE', class: 'AUDIT' }, refusal: { retryable: true } });
    expect(ran).toBe(false);
    await expect(guard.iterate(call('docs/a.md'), stream('x')).next()).rejects.toMatchObject({ denialCode: 'LOG_UNAVAILABLE' });
  });

  it('[GUARD-UNLOGGED] hands back a result that it could not record', async () => {
    const { guard, failLogAfter } = await world(docs);
    failLogAfter(1);
    const result: GuardedResult<string> = await guard.run(call('docs/a.md'), () => 'done');
    expect(result).toMatchObject({ status: 'ok', value: 'done', unlogged: true });
  });

  it('[GUARD-REFUSED] refuses all the same when the refusal cannot be recorded', async () => {
    const { guard, failLogAfter } = await world(docs);
    failLogAfter(0);
    const result = await guard.run(call('/etc/passwd'), () => 'ran');
    expect(result).toMatchObject({ status: 'denied', denial: { code: 'ARG_VIOLATES' } });
    expect(result.entryId).toBeUndefined();
  });
});

const stream = (...values: string[]) =>
  async function* () {
    yield* values;
  };

describe('iterate', () => {
  it('[GUARD-ITERATE] records the result after the last value', async () => {
    const { guard, entries } = await world(docs);
    const seen: string[] = [];
    for await (const value of guard.iterate(call('docs/a.md'), stream('a', 'b'))) {
      seen.push(value);
      expect((await entries()).map(({ type }) => type)).toEqual(['tool.request']);
    }
    expect(seen).toEqual(['a', 'b']);
    expect((await entries()).map(({ type, outcome }) => [type, outcome])).toEqual([
      ['tool.request', undefined],
      ['tool.result', 'ok'],
    ]);
  });

  it('[GUARD-ITERATE] records once when the consumer stops, and lets the tool clean up', async () => {
    const { guard, entries } = await world(docs);
    let cleaned = false;
    const tool = async function* () {
      try {
        yield 'a';
        yield 'b';
      } finally {
        cleaned = true;
      }
    };
    for await (const _ of guard.iterate(call('docs/a.md'), tool)) break;
    expect(cleaned).toBe(true);
    expect((await entries()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
  });

  it('[GUARD-ITERATE] passes on what the tool throws, and records it', async () => {
    const { guard, entries } = await world(docs);
    const error = new Error('half way');
    const tool = async function* () {
      yield 'a';
      throw error;
    };
    const running = guard.iterate(call('docs/a.md'), tool);
    expect(await running.next()).toEqual({ done: false, value: 'a' });
    await expect(running.next()).rejects.toBe(error);
    expect((await entries())[1]).toMatchObject({ outcome: 'tool_error' });
  });

  it('[GUARD-ITERATE] throws the refusal at the first step and says when the end was not recorded', async () => {
    const { guard, failLogAfter } = await world(docs);
    await expect(guard.iterate(call('/etc/passwd'), stream('x')).next()).rejects.toSatisfy((error) => TalosDeniedError.isInstance(error));
    failLogAfter(1);
    const running = guard.iterate(call('docs/a.md'), stream('x'));
    await running.next();
    expect(await running.next()).toEqual({ done: true, value: { unlogged: true } });
  });
});

describe('check', () => {
  it('[GUARD-CHECK] records a refusal and nothing else', async () => {
    const { guard, entries } = await world(docs);
    expect(await guard.check(call('docs/a.md'))).toEqual({ allowed: true });
    expect(await entries()).toEqual([]);
    expect(await guard.check(call('/etc'))).toMatchObject({ allowed: false, refusal: { code: 'ARG_VIOLATES' } });
    expect((await entries()).map(({ type }) => type)).toEqual(['policy.decision']);
  });
});

describe('what gets out', () => {
  it('[GUARD-PRIVATE] no argument, result, error text or made-up name is in the log', async () => {
    const { guard, client } = await world({ read: { path: any() } });
    const secret = 'Ada Lovelace 1815';
    await guard.run(call(secret, { callId: `call ${secret}`, runId: `{"${secret}"}`, agentName: secret }), () => secret);
    await guard.run(call(secret), () => Promise.reject(Object.assign(new Error(secret), { name: secret })));
    await guard.run({ tool: secret, input: { [secret]: secret } }, () => secret);
    await guard.run({ tool: 'read', input: { path: 'x', [secret]: 1 } }, () => secret);
    expect(client.log.size).toBeGreaterThan(6);
    expect(await logText(client)).not.toContain('Lovelace');
  });

  it('[GUARD-REFUSAL] shows the model what is missing and keeps it out of the error', async () => {
    const { guard } = await world(docs);
    const result = await guard.run(call('/etc/shadow'), () => 'ran');
    if (result.status !== 'denied') throw new Error('not refused');
    expect(result.refusal).toMatchObject({ denied: true, code: 'ARG_VIOLATES', missing: { tools: ['read'], args: { path: { eq: '/etc/shadow' } } } });
    const error = deniedError(result.refusal, result.entryId);
    expect(error).toMatchObject({ code: 'TALOS_DENIED', denialCode: 'ARG_VIOLATES', entryId: result.entryId });
    expect(JSON.parse(error.message)).toEqual({ denied: true, code: 'ARG_VIOLATES', message: result.refusal.message, retryable: false });
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('shadow');
  });
});
