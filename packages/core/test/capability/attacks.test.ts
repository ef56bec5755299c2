import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  anyArgs,
  answerApproval,
  ApprovalDesk,
  attenuateCapability,
  createReservations,
  didKeys,
  email,
  eq,
  issueInvocation,
  keys,
  len,
  memoryApprovalStore,
  memoryReplayStore,
  oneOf,
  prefix,
  range,
  subpath,
  toolGrants,
  url,
  verifyApprovalRequest,
  verifyInvocation,
  verifyRevocationList,
  type Constraint,
} from '../../src/capability/index.ts';
import { localSigner } from '../../src/identity/signer.ts';
import { world as guardWorld } from '../guard/support.ts';
import { call, didOf, keyOf, limited, payPlace, place, rootContext } from './state-support.ts';
import { agent, claims, forge, goodHeader, root, world } from './support.ts';

/** Through the whole guard: a tool that must not run, and one call that shows that it could have. */
async function through(constraint: Constraint, good: unknown) {
  const { guard } = await guardWorld({ tool: { value: constraint } });
  const run = async (input: unknown) => {
    const seen: unknown[] = [];
    const outcome = await guard.run({ tool: 'tool', input: input as object }, (received) => void seen.push(received));
    return { status: outcome.status, seen };
  };
  expect(await run({ value: good })).toEqual({ status: 'ok', seen: [{ value: good }] });
  return run;
}

const refused = { status: 'denied', seen: [] };

function table(
  id: string,
  attacks: readonly (readonly [string, unknown])[],
  { constraint, good }: { readonly constraint: Constraint; readonly good: unknown },
) {
  it(`${id} ${attacks.length} of them`, async () => {
    const run = await through(constraint, good);
    for (const [title, value] of attacks) expect([title, await run({ value })]).toEqual([title, refused]);
  });
}

describe('attacks on arguments', () => {
  table(
    '[CAP-ATTACK-TRAVERSAL]',
    [
      ['up', '/data/../etc/passwd'],
      ['up at the end', '/data/..'],
      ['up and back', '/data/../data/x'],
      ['up inside', '/data/a/../../etc'],
      ['a prefix that is no segment', '/database'],
      ['another root', '/etc/passwd'],
      ['relative', 'data/x'],
      ['home', '~/data'],
      ['backslashes', '\\data\\..\\etc'],
      ['mixed separators', '/data/..\\etc'],
      ['an escape', '/data/%2e%2e/etc'],
      ['an escaped slash', '/data%2f..%2fetc'],
      ['twice escaped', '/data/%252e%252e/etc'],
      ['NUL', '/data/x\0.txt'],
      ['a line end', '/data/x\n'],
      ['full-width dots', '/data/\uff0e\uff0e/etc'],
      ['a full-width slash', '/data/..\uff0fetc'],
      ['one-dot leaders', '/data/\u2024\u2024/etc'],
      ['a zero-width dot segment', '/data/.\u200b./etc'],
      ['a UNC path', '//server/data/x'],
      ['a device', '\\\\.\\C:\\x'],
      ['a drive', 'C:/data/x'],
      ['an alternate stream', '/data/x:stream'],
      ['a device name', '/data/CON'],
      ['a dot at the end', '/data/x.'],
      ['a list with one outside', ['/data/x', '/etc/passwd']],
      ['an object', { toString: '/data/x' }],
      ['nothing', ''],
    ],
    { constraint: subpath('/data'), good: '/data/x.txt' },
  );

  table(
    '[CAP-ATTACK-URL]',
    [
      ['another host', 'https://evil.example/'],
      ['user information', 'https://acme.com@evil.example/'],
      ['user information of the host', 'https://user@acme.com/'],
      ['a backslash', 'https://evil.example\\@acme.com/'],
      ['a suffix', 'https://acme.com.evil.example/'],
      ['a prefix', 'https://notacme.com/'],
      ['another scheme', 'http://acme.com/'],
      ['javascript', 'javascript:alert(1)//acme.com'],
      ['another port', 'https://acme.com:8443/'],
      ['a fragment for a path', 'https://evil.example#acme.com/'],
      ['a query for a host', 'https://evil.example?acme.com'],
      ['a lookalike', 'https://\u0430cme.com/'],
      ['a full-width dot', 'https://acme\uff0ecom/'],
      ['a dot at the end', 'https://acme.com./'],
      ['no slashes', 'https:acme.com/'],
      ['one slash', 'https:/acme.com/'],
      ['white space', ' https://acme.com/'],
      ['a line end inside', 'https://ac\nme.com/'],
      ['an address', 'https://127.0.0.1/'],
      ['an address as one number', 'https://2130706433/'],
      ['an address in hexadecimal', 'https://0x7f000001/'],
      ['IPv6', 'https://[::1]/'],
      ['an escape in the host', 'https://acme%2ecom/'],
      ['up', 'https://acme.com/../x'],
      ['an escaped slash', 'https://acme.com/a%2fb'],
      ['relative', '//acme.com/'],
    ],
    { constraint: url({ hosts: ['acme.com'] }), good: 'https://acme.com/x?y=1' },
  );

  table(
    '[CAP-ATTACK-EMAIL]',
    [
      ['another domain', 'bob@evil.example'],
      ['two addresses', 'bob@acme.com,eve@evil.example'],
      ['two at signs', 'bob@evil.example@acme.com'],
      ['a display name', 'Bob <eve@evil.example> bob@acme.com'],
      ['a comment', 'bob@acme.com(@evil.example)'],
      ['quotes', '"eve@evil.example"@acme.com'],
      ['a header', 'bob@acme.com\r\nBcc: eve@evil.example'],
      ['a route', '@evil.example:bob@acme.com'],
      ['percent', 'eve%evil.example@acme.com'],
      ['bang', 'evil.example!eve@acme.com'],
      ['a subdomain', 'bob@mail.acme.com'],
      ['a suffix', 'bob@acme.com.evil.example'],
      ['a lookalike', 'bob@\u0430cme.com'],
      ['a full-width at', 'bob\uff20acme.com'],
      ['a dot at the end', 'bob@acme.com.'],
      ['white space', 'bob@acme.com '],
      ['a list with one outside', ['bob@acme.com', 'eve@evil.example']],
      ['an option', '-oQ/tmp@acme.com'],
    ],
    { constraint: email({ domains: ['acme.com'] }), good: 'bob@acme.com' },
  );

  table(
    '[CAP-ATTACK-UNICODE]',
    [
      ['composed for decomposed', 'caf\u00e9'],
      ['a lookalike', 'c\u0430fe\u0301'],
      ['full-width', '\uff43afe\u0301'],
      ['a zero-width space', 'caf\u200be\u0301'],
      ['a direction mark', '\u202ecafe\u0301'],
      ['upper case', 'CAFE\u0301'],
      ['a byte order mark', '\ufeffcafe\u0301'],
      ['a lone surrogate', 'cafe\u0301\ud800'],
      ['a variation selector', 'cafe\u0301\ufe0f'],
    ],
    { constraint: eq('cafe\u0301'), good: 'cafe\u0301' },
  );

  it('[CAP-ATTACK-POLLUTION] names of prototypes are names like others, and what is inherited is not there', async () => {
    const run = await through(keys({ role: oneOf(['user']) }), { role: 'user' });
    const inherited: unknown = Object.create({ role: 'user' });
    for (const value of [
      JSON.parse('{"role":"user","__proto__":{"role":"admin"}}'),
      { role: 'user', constructor: { prototype: { role: 'admin' } } },
      { role: 'user', toString: 'x' },
      inherited,
    ])
      expect(await run({ value: value as unknown })).toEqual(refused);
    expect(await run(JSON.parse('{"value":{"role":"user"},"__proto__":{}}'))).toEqual(refused);
    expect(({} as { role?: string }).role).toBeUndefined();
  });

  it('[CAP-ATTACK-GETTERS] a value is read once or not at all', async () => {
    const run = await through(eq('good'), 'good');
    let reads = 0;
    const accessor = Object.defineProperty({}, 'value', { enumerable: true, get: () => (reads++ === 0 ? 'good' : 'evil') });
    expect(await run(accessor)).toEqual(refused);
    const answers = ['good', 'evil', 'evil'];
    const proxy = new Proxy(
      { value: 'good' },
      { get: () => answers.shift(), getOwnPropertyDescriptor: () => ({ value: answers.shift(), enumerable: true, configurable: true, writable: true }) },
    );
    const outcome = await run(proxy);
    // What was checked is what the tool got, whatever the proxy would have said next.
    expect([refused, { status: 'ok', seen: [{ value: 'good' }] }]).toContainEqual(outcome);
    for (const value of [{ toJSON: () => 'good' }, { valueOf: () => 'good' }, new String('good')]) expect(await run({ value })).toEqual(refused); // oxlint-disable-line no-new-wrappers -- the attack
  });

  it('[CAP-ATTACK-TOCTOU] what the caller changes after the call was made reaches neither the check nor the tool', async () => {
    const { guard } = await guardWorld({ tool: { value: keys({ to: eq('bob') }) } });
    const input = { value: { to: 'bob' } };
    const seen: unknown[] = [];
    const running = guard.run({ tool: 'tool', input }, (received) => void seen.push(received));
    input.value.to = 'eve';
    expect((await running).status).toBe('ok');
    expect(seen).toEqual([{ value: { to: 'bob' } }]);
    const late = { value: { to: 'eve' } };
    const second = guard.run({ tool: 'tool', input: late }, (received) => void seen.push(received));
    late.value.to = 'bob';
    expect((await second).status).toBe('denied');
  });

  it('[CAP-ATTACK-NON-JSON] what is no plain JSON is refused', async () => {
    const run = await through('any', 'x');
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const value of [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1n,
      Symbol('x'),
      () => 1,
      new Date(0),
      new Map(),
      new Set([1]),
      new Uint8Array(1),
      /x/,
      [undefined],
      new Error('x'),
      Promise.resolve(1),
      cycle,
      new (class {
        readonly x = 1;
      })(),
    ])
      expect([String(value), await run({ value })]).toEqual([String(value), refused]);
    for (const input of [[], 'text', null, 7, new Map([['value', 'x']])]) expect(await run(input)).toEqual(refused);
  });

  table(
    '[CAP-ATTACK-NUMBERS]',
    [
      ['text', '10'],
      ['a fraction', 9.5],
      ['above', 101],
      ['below', -1],
      ['unsafe', 2 ** 53],
      ['a list with one outside', [1, 1000]],
      ['true', true],
      ['null', null],
    ],
    { constraint: range({ min: 0, max: 100 }), good: 10 },
  );

  table(
    '[CAP-ATTACK-TYPES]',
    [[], {}, 1, true, null, ['x'.repeat(9)]].map((value) => [JSON.stringify(value), value] as const),
    {
      constraint: { ...prefix('x'), ...len({ max: 8 }) },
      good: 'xy',
    },
  );
});

describe('attacks on tokens', () => {
  it.each([
    ['a claim', (payload: string) => payload.replace('"epoch":0', '"epoch":0,"epoch":0')],
    ['a claim under an escape', (payload: string) => payload.replace('"epoch":0', '"epoch":0,"\\u0065poch":1')],
    ['a grant member', (payload: string) => payload.replace('"tools":', '"tools":["drop"],"tools":')],
    ['an argument', (payload: string) => payload.replace('"args":{', '"args":{"*":"any",')],
    ['a member of cnf', (payload: string) => payload.replace('"kty":"OKP"', '"kty":"OKP","kty":"OKP"')],
  ])('[CAP-ATTACK-DUPLICATE-KEYS] %s that stands twice', async (_, change) => {
    const payload = change(JSON.stringify(claims()));
    expect(payload).not.toBe(JSON.stringify(claims()));
    expect(await world().refusal(forge({ payload }))).toMatchObject({ code: 'MALFORMED' });
  });

  it('[CAP-ATTACK-ALGORITHMS] no header talks the verifier into another algorithm or another key', async () => {
    const { refusal } = world();
    for (const alg of ['none', 'None', 'NONE', 'HS256', 'RS256', 'ES256', 'EdDSA ', 'ed25519', 'Ed448', '', null, 0])
      expect([alg, (await refusal(forge({ header: { ...goodHeader(), alg } })))?.code]).toEqual([alg, typeof alg === 'string' ? 'ALG_REFUSED' : 'MALFORMED']);
    const evil = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(keyOf(9).publicKey.bytes).toString('base64url') };
    for (const more of [
      { jwk: evil },
      { jku: 'https://evil.example/' },
      { x5c: [] },
      { x5u: 'https://evil.example/' },
      { crit: ['b64'], b64: false },
      { zip: 'DEF' },
    ])
      expect(await refusal(forge({ header: { ...goodHeader(), ...more }, key: keyOf(9) }))).toMatchObject({ code: 'MALFORMED' });
    const text = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${text({ ...goodHeader(), alg: 'HS256' })}.${text(claims())}`;
    expect(await refusal(`${input}.${createHmac('sha256', root.publicKey.bytes).update(input).digest('base64url')}`)).toMatchObject({ code: 'ALG_REFUSED' });
    expect(await refusal(`${forge().split('.').slice(0, 2).join('.')}.`)).toMatchObject({ code: 'MALFORMED' });
  });

  it('[CAP-ATTACK-KEY-CONFUSION] a token of one kind is read as no other, by the same keys', async () => {
    const where = await payPlace();
    const [ann, holderSigner] = [keyOf(70), localSigner(agent)];
    const approve = { when: 'always', by: [didOf(ann)], m: 1, ttl: 120, reuse: 'exact' } as const;
    const desk = new ApprovalDesk({ store: memoryApprovalStore(), agent: didOf(agent), signer: holderSigner, audience: place, env: where.env });
    const capability = await where.issue([limited('pay', { approve })]);
    const handle = await where.handleAs(capability, agent);
    await call(handle, { reservations: createReservations({ limits: where.limits, approvals: desk }) });
    const request = (await desk.open())[0]!;
    const invocation = await issueInvocation({ tool: 'pay', input: {}, aud: place, cap: handle.cap, call: 'c1' }, { signer: holderSigner, env: where.env });
    await where.revocations.revoke([{ task: 'other' }], rootContext);
    const [segment = '', head = ''] = where.revocations.export(rootContext.issuer)!.split('\n');
    const child = await attenuateCapability(
      await where.issue(toolGrants({ pay: anyArgs() })),
      { holder: ann.publicKey, grants: toolGrants({ pay: anyArgs() }), audience: place },
      { signer: holderSigner, env: where.env },
    );
    const tokens = {
      capability,
      link: child.split('~')[1]!,
      invocation: invocation.token,
      request: request.request,
      approval: await answerApproval(
        { request: request.request, opening: request, verdict: 'allow' },
        { issuer: didOf(ann), signer: localSigner(ann), env: where.env },
      ),
      segment,
      head,
    };
    const doors: { readonly [door: string]: (token: string) => Promise<boolean> } = {
      capability: async (token) => (await where.admitAs(token, agent)).denied === undefined,
      link: async (token) => (await where.admitAs(`${child.split('~')[0]}~${token}`, ann)).denied === undefined,
      invocation: async (token) => {
        const proof = { token, salt: invocation.salt };
        const input = { proof, handle, call: { tool: 'pay', input: {} }, audience: place, replay: memoryReplayStore({ now: () => 0 }), env: where.env };
        return (await verifyInvocation(input)).denied === undefined;
      },
      request: async (token) => isTaken(() => verifyApprovalRequest(token, { env: where.env })),
      approval: async (token) => isTaken(async () => 'verdict' in (await desk.submit(token))),
      segment: async (token) => isTaken(() => verifyRevocationList({ segments: [token], head }, didKeys())),
      head: async (token) => isTaken(() => verifyRevocationList({ segments: [segment], head: token }, didKeys())),
    };
    const taken: string[] = [];
    for (const [door, opens] of Object.entries(doors))
      for (const [kind, token] of Object.entries(tokens)) if (await opens(token)) taken.push(`${kind} as ${door}`);
    expect(taken).toEqual(Object.keys(tokens).map((kind) => `${kind} as ${kind}`));
  });
});

async function isTaken(read: () => unknown): Promise<boolean> {
  try {
    return (await read()) !== false;
  } catch {
    return false;
  }
}
