import { describe, expect, it } from 'vitest';
import { anyArgs, issueInvocation } from '../../src/capability/index.ts';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { sha256 } from '#suite';
import { memoryHome, systemEnv, TalosClient } from '../../src/index.ts';
import { loadIdentity } from '../../src/client/load-identity.ts';
import { memorySessionStore } from '../../src/session/memory-session-store.ts';
import { openMessenger, type Messenger } from '../../src/message/index.ts';
import { decodeRemote, encodeRemote, type RemoteMessage } from '../../src/remote/remote-message.ts';
import { countersign, hashRequest, readOutcome, signOutcome, verifyReceipt, type OutcomeClaims } from '../../src/receipt/index.ts';
import type { Identity } from '../../src/identity/identity.ts';
import { revokeKeyHistory } from '../../src/identity/key-history.ts';
import { entriesOf, eventually, makePair, receiptsIn, schema, tool, type Pair, type PairOptions } from './support.ts';

const echo = tool('echo', (input) => ({ echoed: input }));

/** An agent that speaks the wire itself, and says what it likes. */
type Rogue = { readonly identity: Identity; readonly messenger: Messenger; readonly heard: RemoteMessage[]; say(message: RemoteMessage): Promise<unknown> };

async function rogueTo(pair: Pair): Promise<Rogue> {
  const { identity } = await loadIdentity({ name: 'rogue', keys: memoryHome().keys, env: systemEnv });
  const messenger = await openMessenger({ identity, store: memorySessionStore(), transport: pair.transport });
  const heard: RemoteMessage[] = [];
  messenger.onRemote(async ({ body }) => void heard.push(decodeRemote(body)));
  await messenger.establishSession(pair.b.did, await pair.b.bundle());
  return { identity, messenger, heard, say: (message) => messenger.sendRemote(pair.b.did, encodeRemote(message)) };
}

function hashCap(token: string): string {
  return encodeBase64url(sha256(new TextEncoder().encode(token.slice(token.lastIndexOf('~') + 1))));
}

type Forging = { readonly rogue: Rogue; readonly capability: string; readonly aud: string; readonly tool?: string };

async function callOf({ rogue, capability, aud, tool: name = 'echo' }: Forging) {
  const request = { tool: name, input: { n: 1 }, aud, cap: hashCap(capability), call: 'c' };
  const { token, salt } = await issueInvocation(request, { signer: rogue.identity.signer, env: systemEnv });
  return { kind: 'call', request: token, capability, salt: encodeBase64url(salt), input: { n: 1 } } as const;
}

async function counted(options: PairOptions = {}) {
  const runs: unknown[] = [];
  const pair = await makePair({ serve: [tool('echo', (input) => runs.push(input))], ...options });
  const rogue = await rogueTo(pair);
  const granted = await pair.b.grant({ to: rogue.identity.did, at: pair.b.did, tools: { echo: anyArgs() } });
  const answer = (request: string) => eventually(() => rogue.heard.find((message) => message.kind === 'result' && message.request === hashRequest(request)));
  const close = async () => {
    await rogue.messenger.close();
    await pair.close();
  };
  return { pair, rogue, runs, granted, answer, close };
}

describe('remote calls under attack', () => {
  it('[REMOTE-POSSESSION] a capability of another agent is of no use, and neither is its request', async () => {
    const { pair, rogue, runs, answer, close } = await counted();
    const stolen = await callOf({ rogue, capability: pair.capability, aud: pair.b.did });
    await rogue.say(stolen);
    expect(await answer(stolen.request)).toMatchObject({ denial: { code: 'POP_BAD' } });
    // The owner's own request, whole, over the thief's session.
    const identity = (await loadIdentity({ name: 'caller', keys: pair.homes.a.keys, env: systemEnv })).identity;
    const owners = await callOf({ rogue: { ...rogue, identity }, capability: pair.capability, aud: pair.b.did });
    await rogue.say(owners);
    const refused = await answer(owners.request);
    expect(refused).toMatchObject({ denial: { code: 'POP_BAD' } });
    expect(refused).not.toHaveProperty('outcome');
    expect(runs).toEqual([]);
    await close();
  });

  it('[REMOTE-POSSESSION] who sends a request that its owner has used gets nothing of the owner’s answer', async () => {
    const { pair, rogue, runs, answer, close } = await counted();
    const done = await pair.a.call(pair.b.did, 'echo', { n: 1 }, { capability: pair.capability });
    await rogue.say({ kind: 'call', request: done.receipt.request, capability: pair.capability, salt: 'A'.repeat(43), input: { n: 1 } });
    const refused = await answer(done.receipt.request);
    expect(refused).toMatchObject({ denial: { code: 'POP_BAD' } });
    expect(refused).not.toHaveProperty('outcome');
    expect(refused).not.toHaveProperty('value');
    expect(runs).toHaveLength(1);
    await close();
  });

  it('[REMOTE-AUDIENCE] a capability or a request for another place is refused', async () => {
    const { pair, rogue, runs, answer, close } = await counted();
    const elsewhere = await pair.b.grant({ to: rogue.identity.did, tools: { echo: anyArgs() } });
    for (const call of [
      await callOf({ rogue, capability: elsewhere, aud: pair.b.did }),
      await callOf({ rogue, capability: await pair.b.grant({ to: rogue.identity.did, at: pair.b.did, tools: { echo: anyArgs() } }), aud: pair.a.did }),
    ]) {
      await rogue.say(call);
      expect(await answer(call.request)).toMatchObject({ denial: { code: expect.stringMatching(/AUD_MISMATCH|POP_BAD/) } });
    }
    expect(runs).toEqual([]);
    await close();
  });

  it('[REMOTE-ISSUER] who granted it has to be trusted by who serves', async () => {
    const { pair, rogue, runs, answer, close } = await counted();
    const own = await pair.a.grant({ to: rogue.identity.did, at: pair.b.did, tools: { echo: anyArgs() } });
    const call = await callOf({ rogue, capability: own, aud: pair.b.did });
    await rogue.say(call);
    expect(await answer(call.request)).toMatchObject({ denial: { code: 'ISSUER_UNTRUSTED' } });
    expect(runs).toEqual([]);
    await close();
  });

  it('[REMOTE-ONCE] a request that comes again is answered the same and not run again', async () => {
    const { pair, rogue, runs, granted, close } = await counted();
    const call = await callOf({ rogue, capability: granted, aud: pair.b.did });
    for (let i = 0; i < 5; i++) await rogue.say(call);
    await eventually(() => (rogue.heard.length > 0 ? true : undefined));
    await rogue.say(call);
    await eventually(() => (rogue.heard.length > 1 ? true : undefined));
    expect(runs).toHaveLength(1);
    const outcomes = new Set(rogue.heard.map((message) => message.kind === 'result' && message.outcome));
    expect(outcomes.size).toBe(1);
    await close();
  });

  it('[REMOTE-ONCE] a session that is replaced brings a call again, and it is not run again', async () => {
    const { pair, rogue, runs, granted, close } = await counted();
    const call = await callOf({ rogue, capability: granted, aud: pair.b.did });
    await rogue.say(call);
    await eventually(() => (rogue.heard.length > 0 ? true : undefined));
    await rogue.messenger.establishSession(pair.b.did, await pair.b.bundle());
    await rogue.messenger.send(pair.b.did, 'by the new session');
    await eventually(() => (rogue.heard.length > 1 ? true : undefined));
    expect(runs).toHaveLength(1);
    await close();
  });

  it('[REMOTE-ARGS] other arguments than those that were signed are refused', async () => {
    const { pair, rogue, runs, granted, answer, close } = await counted();
    const call = await callOf({ rogue, capability: granted, aud: pair.b.did });
    await rogue.say({ ...call, input: { n: 2 } });
    expect(await answer(call.request)).toMatchObject({ denial: { code: 'POP_BAD', constraint: 'args_commit' } });
    expect(runs).toEqual([]);
    await close();
  });

  it('[REMOTE-TOOL-UNKNOWN] a tool that is not served is refused, signed and recorded', async () => {
    const { pair, rogue, answer, close } = await counted();
    const capability = await pair.b.grant({ to: rogue.identity.did, at: pair.b.did, tools: { other: anyArgs() } });
    const call = await callOf({ rogue, capability, aud: pair.b.did, tool: 'other' });
    await rogue.say(call);
    expect(await answer(call.request)).toMatchObject({ denial: { code: 'TOOL_UNGRANTED' }, outcome: expect.any(String) });
    await close();
  });

  it('[REMOTE-BOUNDS] requests under a capability that does not hold are signed and kept twenty at once, and cost what holds nothing', async () => {
    const { pair, rogue, runs, granted, answer, close } = await counted();
    const capability = await pair.a.grant({ to: rogue.identity.did, at: pair.b.did, tools: { echo: anyArgs() } });
    const calls = await Promise.all(Array.from({ length: 40 }, () => callOf({ rogue, capability, aud: pair.b.did })));
    for (const call of calls) await rogue.say(call);
    const answers = (await Promise.all(calls.map(({ request }) => answer(request)))) as { readonly outcome?: string; readonly denial: { code: string } }[];
    const [signed, unsigned] = [answers.filter(({ outcome }) => outcome !== undefined), answers.filter(({ outcome }) => outcome === undefined)];
    expect(signed.length).toBeGreaterThanOrEqual(20);
    expect(unsigned.length).toBeGreaterThan(10);
    for (const { denial } of unsigned) expect(denial).toEqual({ code: 'RATE', retryAfter: 1 });
    expect(await pair.b.unacknowledged()).toHaveLength(signed.length);
    expect((await entriesOf(pair.b)).filter(({ type }) => type === 'policy.decision')).toHaveLength(signed.length);
    const good = await callOf({ rogue, capability: granted, aud: pair.b.did });
    await rogue.say(good);
    expect(await answer(good.request)).toMatchObject({ outcome: expect.any(String) });
    expect(runs).toHaveLength(1);
    await close();
  });

  it('[REMOTE-CLOSED] what is not the protocol changes nothing, and the next call goes through', async () => {
    const { pair, rogue, runs, granted, answer, close } = await counted();
    const bodies = ['', '\u0001', '\u0003{}', '\u0003{"request":1}', '\u0009{}', '\u0004{"request":"x"}', '\u0003{"a":1,"a":2}'];
    for (const body of bodies) await rogue.messenger.sendRemote(pair.b.did, new TextEncoder().encode(body));
    await rogue.say({ kind: 'cancel', request: 'A'.repeat(43) });
    await rogue.say({ kind: 'credit', request: 'A'.repeat(43), upTo: 5 });
    await rogue.say({ kind: 'countersign', signed: [{ request: 'A'.repeat(43), signature: 'x' }] });
    const call = await callOf({ rogue, capability: granted, aud: pair.b.did });
    await rogue.say(call);
    expect(await answer(call.request)).toMatchObject({ outcome: expect.any(String) });
    expect(runs).toHaveLength(1);
    await close();
  });

  it('[REMOTE-COUNTERSIGN] only the caller’s signature under this very outcome ends its listing', async () => {
    const { pair, rogue, granted, answer, close } = await counted();
    const call = await callOf({ rogue, capability: granted, aud: pair.b.did });
    await rogue.say(call);
    const result = (await answer(call.request)) as { readonly outcome: string };
    const request = hashRequest(call.request);
    expect(await pair.b.unacknowledged()).toMatchObject([{ request, peer: rogue.identity.did }]);
    const outcome = readOutcome(result.outcome);
    const stranger = (await loadIdentity({ name: 's', keys: memoryHome().keys, env: systemEnv })).identity;
    const other = readOutcome(await signOutcome({ ...outcome.claims, outcome: 'tool_error' }, rogue.identity.signer));
    for (const signature of [await countersign(outcome, stranger.signer), await countersign(other, rogue.identity.signer), 'junk']) {
      await rogue.say({ kind: 'countersign', signed: [{ request, signature }] });
    }
    const good = await countersign(outcome, rogue.identity.signer);
    await eventually(() => (pair.errors.length >= 3 ? true : undefined));
    expect(await pair.b.unacknowledged()).toHaveLength(1);
    await rogue.say({ kind: 'countersign', signed: [{ request, signature: good }] });
    await eventually(async () => ((await pair.b.unacknowledged()).length === 0 ? true : undefined));
    expect((await receiptsIn(pair.b)).filter(({ part }) => part === 'countersignature').map(({ text }) => text)).toEqual([good]);
    await close();
  });
});

/** A callee that speaks the wire itself. */
async function rogueCallee(answerTo: (call: Extract<RemoteMessage, { kind: 'call' }>, rogue: { identity: Identity }) => Promise<RemoteMessage[]>) {
  const pair = await makePair({ serve: [echo] });
  const { identity } = await loadIdentity({ name: 'rogue', keys: memoryHome().keys, env: systemEnv });
  const messenger = await openMessenger({ identity, store: memorySessionStore(), transport: pair.transport });
  messenger.onRemote(async ({ from, body }) => {
    const message = decodeRemote(body);
    if (message.kind !== 'call') return;
    for (const answer of await answerTo(message, { identity })) await messenger.sendRemote(from, encodeRemote(answer));
  });
  await pair.a.establishSession(identity.did, await messenger.bundle());
  const capability = await pair.b.grant({ to: pair.a.did, at: identity.did, tools: { echo: anyArgs() } });
  const close = async () => {
    await messenger.close();
    await pair.close();
  };
  return { pair, identity, capability, close };
}

function claims(request: string, more: Partial<OutcomeClaims> = {}): OutcomeClaims {
  return { v: 1, request, decision: 'allow', outcome: 'ok', form: 'none', times: { received: 1, ended: 2 }, log: 'l', decisionIndex: 0, ...more };
}

describe('a callee that lies', () => {
  it('[REMOTE-DISPUTE] a result that is not the signed one is disputed: recorded, and not countersigned', async () => {
    const { pair, identity, capability, close } = await rogueCallee(async ({ request }, rogue) => {
      const hash = hashRequest(request);
      const outcome = await signOutcome(claims(hash, { form: 'json', result_commit: 'A'.repeat(43) }), rogue.identity.signer);
      return [{ kind: 'result', request: hash, outcome, salt: 'A'.repeat(43), value: 'not that' }];
    });
    const result = await pair.a.call(identity.did, 'echo', {}, { capability });
    expect(result.status).toBe('disputed');
    await eventually(async () => (await receiptsIn(pair.a)).find(({ part }) => part === 'dispute'));
    expect((await receiptsIn(pair.a)).map(({ part }) => part)).toEqual(['request', 'dispute']);
    await close();
  });

  it('[REMOTE-DISPUTE] two outcomes for one request are evidence: the second is recorded as a dispute', async () => {
    const { pair, identity, capability, close } = await rogueCallee(async ({ request }, rogue) => {
      const hash = hashRequest(request);
      const first = await signOutcome(claims(hash), rogue.identity.signer);
      const second = await signOutcome(claims(hash, { outcome: 'unknown' }), rogue.identity.signer);
      return [first, first, second].map((outcome) => ({ kind: 'result', request: hash, outcome }));
    });
    expect((await pair.a.call(identity.did, 'echo', {}, { capability })).status).toBe('ok');
    await eventually(async () => (await receiptsIn(pair.a)).find(({ part }) => part === 'dispute'));
    expect((await receiptsIn(pair.a)).map(({ part }) => part)).toEqual(['request', 'outcome', 'countersignature', 'dispute']);
    await close();
  });

  it('[REMOTE-UNSIGNED] an outcome of another signer or another request is nothing at all', async () => {
    const stranger = (await loadIdentity({ name: 's', keys: memoryHome().keys, env: systemEnv })).identity;
    const { pair, identity, capability, close } = await rogueCallee(async ({ request }, rogue) => {
      const hash = hashRequest(request);
      const forged = await signOutcome(claims(hash), stranger.signer);
      const foreign = await signOutcome(claims('B'.repeat(42) + 'A'), rogue.identity.signer);
      const good = await signOutcome(claims(hash), rogue.identity.signer);
      return [
        { kind: 'result', request: hash, outcome: forged },
        { kind: 'result', request: hash, outcome: foreign },
        { kind: 'result', request: 'B'.repeat(42) + 'A', outcome: foreign },
        { kind: 'result', request: hash, outcome: good },
      ];
    });
    const result = await pair.a.call(identity.did, 'echo', {}, { capability });
    expect(result.status).toBe('ok');
    expect((await receiptsIn(pair.a)).map(({ part }) => part)).toEqual(['request', 'outcome', 'countersignature']);
    await close();
  });

  it('[REMOTE-UNSIGNED] an answer by another peer than the one that was asked is nothing at all', async () => {
    let heard: { request: string; outcome: string } | undefined;
    const { pair, identity, capability, close } = await rogueCallee(async ({ request }, rogue) => {
      const hash = hashRequest(request);
      heard = { request: hash, outcome: await signOutcome(claims(hash), rogue.identity.signer) };
      return [];
    });
    const calling = pair.a.call(identity.did, 'echo', {}, { capability, timeoutMs: 400 });
    const answer = await eventually(() => heard);
    // The honest callee of another call cannot speak for it either.
    const second = await makeOther(pair);
    await second.say({ kind: 'result', ...answer });
    await second.say({ kind: 'result', request: answer.request, denial: { code: 'REVOKED' } });
    await second.say({ kind: 'chunk', request: answer.request, index: 0, value: 1 });
    expect(await calling).toMatchObject({ status: 'unknown', reason: 'timeout' });
    expect((await receiptsIn(pair.a)).map(({ part }) => part)).toEqual(['request']);
    await second.messenger.close();
    await close();
  });

  it('[REMOTE-LATE] an outcome that comes after the caller gave up is recorded and countersigned', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const { pair, identity, capability, close } = await rogueCallee(async ({ request }, rogue) => {
      await released;
      const hash = hashRequest(request);
      return [{ kind: 'result', request: hash, outcome: await signOutcome(claims(hash), rogue.identity.signer) }];
    });
    expect(await pair.a.call(identity.did, 'echo', {}, { capability, timeoutMs: 50 })).toMatchObject({ status: 'unknown', reason: 'timeout' });
    release();
    await eventually(async () => (await receiptsIn(pair.a)).find(({ part }) => part === 'countersignature'));
    expect((await receiptsIn(pair.a)).map(({ part }) => part)).toEqual(['request', 'outcome', 'countersignature']);
    await close();
  });
});

async function makeOther(pair: Pair) {
  const { identity } = await loadIdentity({ name: 'other', keys: memoryHome().keys, env: systemEnv });
  const messenger = await openMessenger({ identity, store: memorySessionStore(), transport: pair.transport });
  await messenger.establishSession(pair.a.did, await pair.a.bundle());
  return { messenger, say: (message: RemoteMessage) => messenger.sendRemote(pair.a.did, encodeRemote(message)) };
}

describe('a call that is stopped', () => {
  const waiting = (signals: AbortSignal[]) =>
    tool('wait', (_, { signal }) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    });

  it('[REMOTE-ABORT] the caller’s signal reaches the running tool, and the outcome says cancelled', async () => {
    const signals: AbortSignal[] = [];
    const pair = await makePair({ serve: [waiting(signals)] });
    const abort = new AbortController();
    const calling = pair.a.call(pair.b.did, 'wait', {}, { capability: pair.capability, signal: abort.signal });
    const [running] = await eventually(() => (signals.length > 0 ? signals : undefined));
    abort.abort();
    const result = await calling;
    expect(running!.aborted).toBe(true);
    expect(result).toMatchObject({ status: 'cancelled', reason: 'cancelled' });
    expect(verifyReceipt(result.receipt, pair.keys)).toMatchObject({ state: 'both-signed', outcome: { outcome: 'cancelled', form: 'none' } });
    await pair.close();
  });

  it('[REMOTE-REVOKED] a capability that is revoked while the tool runs stops it', async () => {
    const signals: AbortSignal[] = [];
    const pair = await makePair({ serve: [waiting(signals)] });
    const calling = pair.a.call(pair.b.did, 'wait', {}, { capability: pair.capability });
    await eventually(() => (signals.length > 0 ? true : undefined));
    await pair.b.revoke(pair.capability);
    expect(await calling).toMatchObject({ status: 'cancelled' });
    expect((await entriesOf(pair.b)).find(({ type }) => type === 'tool.result')).toMatchObject({ revoked_in_flight: true });
    expect(await pair.a.call(pair.b.did, 'wait', {}, { capability: pair.capability })).toMatchObject({ status: 'denied', denial: { code: 'REVOKED' } });
    await pair.close();
  });

  it('[REMOTE-DEADLINE] the tool is told at the deadline, and the caller does not wait longer', async () => {
    const signals: AbortSignal[] = [];
    const pair = await makePair({ serve: [waiting(signals)] });
    const result = await pair.a.call(pair.b.did, 'wait', {}, { capability: pair.capability, timeoutMs: 30 });
    expect(result).toMatchObject({ status: 'unknown', reason: 'timeout' });
    await eventually(() => (signals[0]?.aborted === true ? true : undefined));
    await eventually(async () => (await receiptsIn(pair.a)).find(({ part }) => part === 'countersignature'));
    const [{ text } = { text: '' }] = (await receiptsIn(pair.a)).filter(({ part }) => part === 'outcome');
    expect(readOutcome(text).claims.outcome).toBe('timeout');
    await pair.close();
  });

  it('[REMOTE-OVERSIZE] arguments and results above the bound are refused with a code', async () => {
    const pair = await makePair({ serve: [tool('large', () => 'x'.repeat(600_000)), echo] });
    expect(await pair.a.call(pair.b.did, 'large', {}, { capability: pair.capability })).toMatchObject({
      status: 'error',
      error: { message: expect.stringContaining('result') },
    });
    const calling = pair.a.call(pair.b.did, 'echo', { text: 'x'.repeat(800_000) }, { capability: pair.capability });
    await expect(calling).rejects.toMatchObject({ code: 'TALOS_REMOTE_TOO_LARGE' });
    await pair.close();
  });

  it('[REMOTE-SERVE] what is no tool, or is served already, is refused', async () => {
    const pair = await makePair({ serve: [echo] });
    await expect(pair.b.serve({ tools: [echo] })).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    await expect(pair.b.serve({ tools: [{ ...echo, name: 'no name' }] })).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    await expect(pair.b.serve({ tools: [{ ...echo, name: 'x', inputSchema: schema, execute: 1 as never }] })).rejects.toMatchObject({
      code: 'TALOS_REMOTE_BAD_TOOL',
    });
    await pair.close();
    await expect(TalosClient.prototype.serve.call(pair.b, { tools: [] })).rejects.toMatchObject({ code: 'TALOS_USAGE_CLOSED' });
  });
});

describe('what cannot travel', () => {
  const awkward: readonly (readonly [string, unknown])[] = [
    ['a text that is longer in bytes than in characters', '\u20ac'.repeat(300_000)],
    ['an integer that the other end would round', { ns: 2 ** 60 }],
    ['a number beyond all integers', [1e300]],
  ];

  const awkwardChunks: typeof awkward = [['a text that is longer in bytes than in characters', '\u20ac'.repeat(60_000)], ...awkward.slice(1)];

  it.each(awkward)('[REMOTE-OVERSIZE] %s as a result is an error of the tool, told at once', async (_, value) => {
    const pair = await makePair({ serve: [tool('give', () => value)] });
    expect(await pair.a.call(pair.b.did, 'give', {}, { capability: pair.capability, timeoutMs: 5000 })).toMatchObject({ status: 'error' });
    expect((await receiptsIn(pair.b)).map(({ part }) => part)).toContain('outcome');
    await pair.close();
  });

  it.each(awkwardChunks)('[REMOTE-OVERSIZE] %s as a chunk ends the stream with an error', async (_, value) => {
    const pair = await makePair({
      serve: [
        tool('give', async function* () {
          yield 1;
          yield value;
        }),
      ],
    });
    const stream = pair.a.stream(pair.b.did, 'give', {}, { capability: pair.capability, timeoutMs: 5000 });
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    expect(await stream.next()).toMatchObject({ done: true, value: { status: 'error' } });
    await pair.close();
  });

  it.each(awkward.slice(1))('[REMOTE-OVERSIZE] %s as an argument is refused before anything is signed', async (_, value) => {
    const pair = await makePair({ serve: [echo] });
    await expect(pair.a.call(pair.b.did, 'echo', { value }, { capability: pair.capability, timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'TALOS_USAGE_ARGUMENT',
    });
    expect(await receiptsIn(pair.a)).toEqual([]);
    await pair.close();
  });

  it('[REMOTE-SERVE] tools that no description could tell of are not served', async () => {
    const pair = await makePair();
    const wide = { ...schema, title: 'x'.repeat(31_000) };
    const many = Array.from({ length: 40 }, (_, i) => ({ ...tool(`t${i}`, () => i), inputSchema: wide }));
    await expect(pair.b.serve({ tools: many, describe: 'everyone' })).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    const counting = { ...tool('count', () => 1), inputSchema: { ...schema, properties: { n: { maximum: 2 ** 63 } } } };
    await expect(pair.b.serve({ tools: [counting] })).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    await pair.b.serve({ tools: many.slice(0, 20), describe: 'everyone' });
    expect(await pair.a.describe(pair.b.did, { timeoutMs: 5000 })).toHaveLength(20);
    await pair.close();
  });
});

describe('a peer that is gone', () => {
  it('[REMOTE-CLOSED] who revokes itself while its call runs leaves nothing that is tried again for ever', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let isRunning = false;
    const pair = await makePair({ serve: [tool('echo', () => ((isRunning = true), held))] });
    const rogue = await rogueTo(pair);
    const granted = await pair.b.grant({ to: rogue.identity.did, at: pair.b.did, tools: { echo: anyArgs() } });
    await rogue.say(await callOf({ rogue, capability: granted, aud: pair.b.did }));
    await eventually(() => (isRunning ? true : undefined));
    const { signer, history } = rogue.identity;
    await rogue.messenger.announceKeys(await revokeKeyHistory(history, { signer, now: Date.now() }));
    release();
    const { store } = await pair.homes.b.sessions(pair.b.did);
    await expect.poll(() => store.inbox(), { timeout: 5000 }).toEqual([]);
    await rogue.messenger.close();
    await pair.close();
  });
});

describe('a callee that closes', () => {
  it('[REMOTE-ABORT] takes up no call any more, and the one that came meanwhile is not lost', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const runs: unknown[] = [];
    const pair = await makePair({ serve: [tool('slow', () => (runs.push('slow'), held)), tool('quick', () => void runs.push('quick'))] });
    const first = pair.a.call(pair.b.did, 'slow', {}, { capability: pair.capability });
    await eventually(() => (runs.length > 0 ? true : undefined));
    const closing = pair.b.close();
    const second = pair.a.call(pair.b.did, 'quick', {}, { capability: pair.capability });
    await eventually(() => pair.errors.length > 0 || undefined);
    release();
    await closing;
    expect(runs).toEqual(['slow']);
    // At its next start it is taken up.
    const again = await TalosClient.create('callee', { stores: pair.homes.b, transport: pair.transport });
    await again.serve({ tools: [tool('quick', () => void runs.push('quick'))] });
    expect(await second).toMatchObject({ status: 'ok' });
    await Promise.all([first, pair.a.close(), again.close()]);
  });
});
