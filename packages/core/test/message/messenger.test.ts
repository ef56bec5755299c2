import { describe, expect, it } from 'vitest';
import { encodeHex } from '../../src/bytes/hex.ts';
import type { AgentId } from '../../src/identity/agent-id.ts';
import { signPrekeyBundle } from '../../src/identity/prekey-bundle.ts';
import { maxIdleRows } from '../../src/message/door.ts';
import type { MessageLogEntry } from '../../src/message/message-log.ts';
import { memoryFence } from '../../src/session/fence.ts';
import { decodeFrame, hashFrame } from '../../src/session/frame.ts';
import { memorySessionStore } from '../../src/session/memory-session-store.ts';
import { decodePrekey } from '../../src/session/prekeys.ts';
import { bundleContent, flip, makeIdentity, makePrekeys, meet, End, rejectionOf, seededEnv } from '../session/support.ts';
import { contentsOf, makeAgent, makeCouple, makeWire, settle, watchStore, type Agent, type Trace } from './support.ts';

const send = (from: Agent, to: Agent, content: string | Uint8Array) => from.messenger.send(to.messenger.did, content);

describe('messages', () => {
  it('[MSG-HASH] text and bytes arrive as they were sent, under one hash at both ends', async () => {
    const { alice, bob, wire } = await makeCouple('hash');
    const sent = [await send(alice, bob, 'Grüße'), await send(alice, bob, Uint8Array.of(0, 1, 255)), await send(alice, bob, '')];
    await settle();
    expect(contentsOf(bob)).toEqual(['Grüße', Uint8Array.of(0, 1, 255), '']);
    expect(bob.received.map(({ messageHash }) => messageHash)).toEqual(sent.map(({ messageHash }) => messageHash));
    expect(wire.frames.map(hashFrame)).toEqual(sent.map(({ messageHash }) => messageHash));
    expect(bob.received.every(({ from, redelivered }) => from === alice.messenger.did && !redelivered)).toBe(true);
    expect(await send(bob, alice, 'answer')).toMatchObject({ status: 'sent' });
    await settle();
    expect(contentsOf(alice)).toEqual(['answer']);
  });

  it('[MSG-RECORD-THEN-SEND] both ends record the same messages, with the version of the state they belong to', async () => {
    const { alice, bob } = await makeCouple('entries');
    await send(alice, bob, 'one');
    await send(alice, bob, 'two');
    await settle();
    const types = (agent: Agent) => agent.entries.map(({ type, sessionVersion }) => `${type} ${sessionVersion}`);
    expect(types(alice)).toEqual(['session.open 1', 'message.out 2', 'message.out 3']);
    expect(types(bob)).toEqual(['session.open 1', 'message.in 1', 'message.in 2']);
    const hashes = (agent: Agent) => agent.entries.flatMap((entry) => (entry.type === 'session.open' ? [] : [entry.messageHash]));
    expect(hashes(alice)).toEqual(hashes(bob));
    expect(alice.entries[0]).toMatchObject({ role: 'initiator', mode: 'accountable', peer: bob.messenger.did });
    expect(JSON.stringify([alice.entries, bob.entries])).not.toContain('one');
  });

  it('[MSG-FIVE-KEYS] five sends started at once: one commit, five keys, five messages', async () => {
    const watched = watchStore(memorySessionStore());
    const { alice, bob, wire } = await makeCouple('five', { alice: { store: watched.store } });
    const before = watched.commits.length;
    const sent = await Promise.all(['0', '1', '2', '3', '4'].map((each) => send(alice, bob, each)));
    await settle();
    expect(watched.commits.length - before).toBe(1);
    expect(watched.commits.at(-1)?.outbox?.length).toBe(5);
    expect(new Set(sent.map(({ messageHash }) => messageHash)).size).toBe(5);
    expect(new Set(wire.frames.map((frame) => encodeHex(decodeFrame(frame).nonce))).size).toBe(5);
    expect(contentsOf(bob)).toEqual(['0', '1', '2', '3', '4']);
    expect((await alice.store.outbox()).length).toBe(0);
  });

  it('[MSG-PERSIST-THEN-SEND] [MSG-RECORD-THEN-SEND] commit, then record, then send', async () => {
    const trace: Trace = [];
    const env = seededEnv('order');
    const wire = makeWire(env, trace);
    const bob = await makeAgent(wire, env);
    const log = { append: async ({ type }: MessageLogEntry) => void trace.push(type) };
    const alice = await makeAgent(wire, env, { store: watchStore(memorySessionStore(), trace).store, log });
    await alice.messenger.establishSession(bob.messenger.did, await bob.messenger.bundle());
    await send(alice, bob, 'one');
    expect(trace).toEqual(['commit', 'session.open', 'commit', 'message.out', 'send']);
  });

  it('[MSG-PERSIST-THEN-SEND] a store that is full: the send fails, nothing leaves, the session goes on later', async () => {
    const watched = watchStore(memorySessionStore());
    const { alice, bob, wire } = await makeCouple('full', { alice: { store: watched.store } });
    watched.isFull = true;
    expect(await rejectionOf(() => send(alice, bob, 'lost'))).toBe('TALOS_STORE_WRITE_FAILED');
    expect(wire.frames.length).toBe(0);
    watched.isFull = false;
    await send(alice, bob, 'kept');
    await settle();
    expect(contentsOf(bob)).toEqual(['kept']);
  });

  it('[MSG-PERSIST-THEN-SEND] a wire that is down: queued, then sent by itself, in order, each once', async () => {
    const { alice, bob, wire, env } = await makeCouple('down');
    wire.isDown = true;
    expect((await Promise.all(['0', '1', '2'].map((each) => send(alice, bob, each)))).map(({ status }) => status)).toEqual(['queued', 'queued', 'queued']);
    expect((await send(alice, bob, '3')).status).toBe('queued');
    wire.isDown = false;
    env.advance(5000);
    await settle();
    expect(contentsOf(bob)).toEqual(['0', '1', '2', '3']);
    expect(alice.entries.filter(({ type }) => type === 'message.out').length).toBe(4);
    expect((await alice.store.outbox()).length).toBe(0);
  });

  it('[MSG-PERSIST-THEN-SEND] a crash between commit and send: the next run sends the same bytes', async () => {
    const { alice, bob, wire, env } = await makeCouple('crash');
    wire.isDown = true;
    const { messageHash } = await send(alice, bob, 'durable');
    const [row] = await alice.store.outbox();
    // The process is gone: nothing of it runs any more, only its store is left.
    await alice.messenger.close();
    wire.isDown = false;
    await makeAgent(wire, env, { identity: alice.identity, store: alice.store });
    await settle();
    expect(bob.received.map((message) => message.messageHash)).toEqual([messageHash]);
    expect(wire.frames).toEqual([row!.frame]);
    expect((await alice.store.outbox()).length).toBe(0);
  });

  it('[MSG-RECORD-THEN-SEND] a log that fails: the send fails and nothing leaves; once the log takes it, it is sent', async () => {
    let isDown = false;
    const entries: MessageLogEntry[] = [];
    const append = async (entry: MessageLogEntry) => {
      if (isDown) throw new Error('the log is down');
      entries.push(entry);
    };
    const { alice, bob, wire, env } = await makeCouple('log', { alice: { log: { append } } });
    isDown = true;
    await expect(send(alice, bob, 'unrecorded')).rejects.toThrow('the log is down');
    expect(wire.frames.length).toBe(0);
    isDown = false;
    env.advance(1000);
    await settle();
    expect(contentsOf(bob)).toEqual(['unrecorded']);
    expect(entries.at(-1)).toMatchObject({ type: 'message.out', repeated: true });
  });

  it('[MSG-DUPLICATE] a frame that comes twice is handed over once and answered as a duplicate', async () => {
    const { alice, bob, wire } = await makeCouple('duplicate');
    await send(alice, bob, 'once');
    await settle();
    expect(await bob.messenger.receive(wire.frames[0]!)).toMatchObject({ status: 'duplicate' });
    await send(alice, bob, 'next');
    await settle();
    expect(contentsOf(bob)).toEqual(['once', 'next']);
  });

  it('[MSG-REDELIVER] a handler that rejects gets the message again, marked, until it resolves', async () => {
    const { alice, bob, env } = await makeCouple('handler', { bob: { silent: true } });
    const seen: [string | Uint8Array, boolean][] = [];
    bob.messenger.onMessage(async ({ content, redelivered }) => {
      seen.push([content, redelivered]);
      if (seen.length < 3) throw new Error('not yet');
    });
    await send(alice, bob, 'work');
    await settle();
    expect((await bob.store.inbox()).length).toBe(1);
    for (const ms of [1000, 2000]) {
      env.advance(ms);
      await settle();
    }
    expect(seen).toEqual([
      ['work', false],
      ['work', true],
      ['work', true],
    ]);
    expect((await bob.store.inbox()).length).toBe(0);
  });

  it('[MSG-BOUNDED] what no handler takes waits in the store beyond a number, and is handed over in order, once', async () => {
    const { alice, bob } = await makeCouple('nobody listens', { bob: { silent: true } });
    const count = maxIdleRows + 6;
    for (let i = 0; i < count; i += 103) await Promise.all(Array.from({ length: 103 }, (_, j) => send(alice, bob, `${i + j}`)));
    await settle();
    const rows = await bob.store.inbox();
    expect(rows).toHaveLength(count);
    // Another process finished the second one and the last: only of what is not held here it is seen.
    await bob.store.removeInbox([rows[1]!.id, rows.at(-1)!.id]);
    bob.messenger.onMessage((message) => void bob.received.push(message));
    await send(alice, bob, 'while it is read');
    await settle();
    const expected = Array.from({ length: count - 1 }, (_, i) => `${i}`);
    expect(contentsOf(bob)).toEqual([...expected, 'while it is read']);
    expect(bob.received.every(({ redelivered }) => !redelivered)).toBe(true);
    expect(await bob.store.inbox()).toEqual([]);
  });

  it('[MSG-BOUNDED] and beyond a number of bytes, also at the next start', async () => {
    const { alice, bob, env, wire } = await makeCouple('large ones', { bob: { silent: true } });
    for (let i = 0; i < 12; i++) await send(alice, bob, new Uint8Array(1_000_000).fill(i));
    await settle();
    await bob.messenger.close();
    const next = await makeAgent(wire, env, { identity: bob.identity, store: bob.store, silent: true });
    const rows = await next.store.inbox();
    await next.store.removeInbox([rows[10]!.id]);
    next.messenger.onMessage((message) => void next.received.push(message));
    await settle();
    expect(next.received.map(({ content }) => content[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]);
    expect(next.received.every(({ redelivered }) => redelivered)).toBe(true);
    expect(await next.store.inbox()).toEqual([]);
  });

  it('[MSG-REDELIVER] a crash before the handler: the next run hands the message over, with the same id', async () => {
    const { alice, bob, wire, env } = await makeCouple('handler crash', { bob: { silent: true } });
    const sent = await send(alice, bob, 'unhandled');
    await settle();
    await bob.messenger.close();
    const again = await makeAgent(wire, env, { identity: bob.identity, store: bob.store });
    await settle();
    expect(again.received).toMatchObject([{ content: 'unhandled', id: sent.id, redelivered: true }]);
    expect((await bob.store.inbox()).length).toBe(0);
  });

  it('[MSG-REDELIVER] a record that failed after the commit is made up for when the frame comes again', async () => {
    let isDown = true;
    const entries: MessageLogEntry[] = [];
    const append = async (entry: MessageLogEntry) => {
      if (isDown) throw new Error('the log is down');
      entries.push(entry);
    };
    const { alice, bob, env } = await makeCouple('log in', { bob: { log: { append } } });
    await send(alice, bob, 'once');
    await settle();
    expect(bob.received.length).toBe(0);
    isDown = false;
    env.advance(200);
    await settle();
    expect(contentsOf(bob)).toEqual(['once']);
    expect(entries.at(-1)).toMatchObject({ type: 'message.in', repeated: true });
  });

  it('[STO-ONE-COMMIT] a store that is full when a session arrives: no session, no inbox row, the prekey is still there, and it works later', async () => {
    const watched = watchStore(memorySessionStore());
    const { alice, bob, env } = await makeCouple('accept full', { bob: { store: watched.store } });
    const [pair] = await bob.store.prekeys('oneTime');
    watched.isFull = true;
    await send(alice, bob, 'first');
    await settle();
    expect([(await bob.store.sessionsWith(alice.messenger.did)).length, (await bob.store.inbox()).length]).toEqual([0, 0]);
    expect((await bob.store.prekey('oneTime', pair!.id))?.id).toBe(pair!.id);
    watched.isFull = false;
    env.advance(200);
    await settle();
    expect(contentsOf(bob)).toEqual(['first']);
    expect(watched.commits[0]).toMatchObject({ consumedOneTimeId: pair!.id, inbox: [{ from: alice.messenger.did }] });
    expect(await bob.store.prekey('oneTime', pair!.id)).toBeUndefined();
  });

  it('[MSG-STRANGER] garbage, frames of no session and forged openings change nothing and hold nothing up', async () => {
    const watched = watchStore(memorySessionStore());
    const { alice, bob, wire, env } = await makeCouple('strangers', { bob: { store: watched.store } });
    const stranger = await meet('stranger');
    const foreign = new End(stranger.initiated, stranger.env);
    const hostile = [new Uint8Array(0), env.randomBytes(300), foreign.send('for somebody else'), new Uint8Array(2 ** 20)];
    const codes = await Promise.all(hostile.map((frame) => rejectionOf(() => bob.messenger.receive(frame))));
    expect(codes).toEqual(['TALOS_SESSION_AUTH_FAILED', 'TALOS_SESSION_AUTH_FAILED', 'TALOS_SESSION_BAD_HANDSHAKE', 'TALOS_SESSION_AUTH_FAILED']);
    for (const frame of hostile) await wire.transport.send(bob.messenger.did, frame);
    await settle();
    expect(watched.commits.length).toBe(0);
    await send(alice, bob, 'genuine');
    await settle();
    expect(contentsOf(bob)).toEqual(['genuine']);
    const genuine = wire.frames.at(-1)!;
    expect(await rejectionOf(() => bob.messenger.receive(flip(genuine, 40)))).toBe('TALOS_SESSION_AUTH_FAILED');
    expect(watched.commits.length).toBe(1);
  });

  it('[SES-UNKNOWN-PREKEY] [SES-NO-REPLAYED-INITIAL] a first frame to prekeys that are gone is refused', async () => {
    const { alice, bob, wire } = await makeCouple('gone');
    wire.drop = () => true;
    await send(alice, bob, 'first');
    await bob.store.removePrekeys(await bob.store.prekeys('oneTime'));
    expect(await rejectionOf(() => bob.messenger.receive(wire.frames[0]!))).toBe('TALOS_SESSION_BAD_HANDSHAKE');
    const over = await makeCouple('over');
    over.wire.drop = () => true;
    await send(over.alice, over.bob, 'first');
    over.env.advance(15 * 24 * 3_600_000);
    expect(await rejectionOf(() => over.bob.messenger.receive(over.wire.frames[0]!))).toBe('TALOS_SESSION_BAD_HANDSHAKE');
  });

  it('[SES-NO-REPLAYED-INITIAL] without a one-time pair the ephemeral key is remembered', async () => {
    const env = seededEnv('ephemeral');
    const wire = makeWire(env);
    const [alice, bob] = [await makeAgent(wire, env), await makeAgent(wire, env)];
    await bob.messenger.bundle();
    const signed = decodePrekey((await bob.store.prekeys('signed'))[0]!, 'signed');
    const lastResort = decodePrekey((await bob.store.prekeys('lastResort'))[0]!, 'lastResort');
    const bundle = await signPrekeyBundle(bundleContent(bob.identity, { signed, lastResort }, env), bob.identity.signer);
    await alice.messenger.establishSession(bob.messenger.did, bundle);
    await send(alice, bob, 'first');
    await settle();
    expect(contentsOf(bob)).toEqual(['first']);
    // Bob loses the session, not his prekeys and what he has seen with them: a replay must not open it again.
    const commit: typeof bob.store.commit = (id, version, writes) => bob.store.commit(`${id} again`, version, writes);
    const forgetful = { ...bob.store, load: async () => undefined, commit };
    const again = await makeAgent(wire, env, { identity: bob.identity, store: forgetful });
    expect(await rejectionOf(() => again.messenger.receive(wire.frames[0]!))).toBe('TALOS_SESSION_BAD_HANDSHAKE');
    expect(again.received.length).toBe(0);
  });

  it('[SES-NO-IMPERSONATION] a session is established with the agent that was named, or not at all', async () => {
    const { alice, bob, env } = await makeCouple('named');
    const mallory = await makeIdentity(env);
    const malloryBundle = await signPrekeyBundle(bundleContent(mallory, makePrekeys(env), env), mallory.signer);
    expect(await rejectionOf(() => alice.messenger.establishSession(bob.messenger.did, malloryBundle))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    expect(await rejectionOf(() => alice.messenger.establishSession(bob.messenger.did, new Uint8Array(10)))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    expect(await rejectionOf(() => alice.messenger.send(mallory.did, 'x'))).toBe('TALOS_SESSION_UNKNOWN');
    expect(await rejectionOf(() => alice.messenger.send(bob.messenger.did, 7 as unknown as string))).toBe('TALOS_USAGE_ARGUMENT');
    expect(await rejectionOf(() => alice.messenger.send('nobody' as AgentId, 'x'))).toBe('TALOS_SESSION_UNKNOWN');
  });

  it('[MSG-BOTH-OPEN] both open at once: nothing is lost, and both settle on one session', async () => {
    const { alice, bob, wire } = await makeCouple('both');
    await bob.messenger.establishSession(alice.messenger.did, await alice.messenger.bundle());
    await Promise.all([send(alice, bob, 'a0'), send(bob, alice, 'b0')]);
    await settle();
    for (let i = 1; i < 4; i++) await Promise.all([send(alice, bob, `a${i}`), send(bob, alice, `b${i}`)]);
    await settle();
    expect(contentsOf(bob)).toEqual(['a0', 'a1', 'a2', 'a3']);
    expect(contentsOf(alice)).toEqual(['b0', 'b1', 'b2', 'b3']);
    expect(new Set(wire.frames.slice(-2).map((frame) => encodeHex(decodeFrame(frame).sessionId))).size).toBe(1);
  });

  it('[RAT-HEALS] a peer that lost more than the bound answers by itself, and the session heals', async () => {
    const losses: number[] = [];
    const { alice, bob, wire } = await makeCouple('heals', { bob: { onLost: ({ lost }) => losses.push(lost) } });
    await send(alice, bob, 'first');
    await settle();
    await send(bob, alice, 'answer');
    await settle();
    wire.drop = () => true;
    await Promise.all(Array.from({ length: 2500 }, () => send(alice, bob, 'lost')));
    wire.drop = () => false;
    await send(alice, bob, 'beyond');
    await send(alice, bob, 'beyond too');
    await settle();
    await send(alice, bob, 'healed');
    await settle();
    expect(contentsOf(bob)).toEqual(['first', 'healed']);
    expect(losses[0]).toBe(2501);
    // Two frames were beyond the bound; the chain was answered once, else a replayed header would make a busy peer.
    expect(bob.entries.filter(({ type }) => type === 'message.out').length).toBe(2);
  });

  it('[MSG-ROLLED-BACK] a store restored from a copy does not send in its old sessions', async () => {
    const fence = memoryFence();
    const { alice, bob, wire, env } = await makeCouple('fence', { alice: { fence } });
    const [id] = await alice.store.sessionsWith(bob.messenger.did);
    const copy = await alice.store.load(id!);
    await send(alice, bob, 'one');
    await settle();
    const restored = memorySessionStore();
    await restored.commit(id!, 0, { state: copy!.state, peer: bob.messenger.did });
    const again = await makeAgent(wire, env, { identity: alice.identity, store: restored, fence });
    expect(await rejectionOf(() => send(again, bob, 'two'))).toBe('TALOS_SESSION_ROLLED_BACK');
    await again.messenger.establishSession(bob.messenger.did, await bob.messenger.bundle());
    await send(again, bob, 'fresh');
    await settle();
    expect(contentsOf(bob)).toEqual(['one', 'fresh']);
  });

  it('[RAT-NO-KEY-REUSE] two processes over one store: the loser of a commit reloads, nothing is lost or doubled', async () => {
    const { alice, bob, wire, env } = await makeCouple('two processes');
    const twin = await makeAgent(wire, env, { identity: alice.identity, store: alice.store });
    await Promise.all([send(twin, bob, 'a'), send(alice, bob, 'b')]);
    await settle();
    const texts = Array.from({ length: 20 }, (_, i) => String(i));
    // Both hold the same version in memory: one of them is behind at its commit, whichever comes second.
    await Promise.all(texts.map((each, i) => send(i % 2 === 0 ? alice : twin, bob, each)));
    await settle();
    expect(contentsOf(bob).toSorted()).toEqual([...texts, 'a', 'b'].toSorted());
    expect(new Set(bob.received.map(({ messageHash }) => messageHash)).size).toBe(22);
  });

  it('[MSG-PERSIST-THEN-SEND] after close nothing is taken in, and what waits is there at the next start', async () => {
    const { alice, bob, wire, env } = await makeCouple('close');
    await bob.messenger.close();
    await bob.messenger.close();
    expect(await rejectionOf(() => send(bob, alice, 'x'))).toBe('TALOS_USAGE_CLOSED');
    await send(alice, bob, 'waits');
    await settle();
    const again = await makeAgent(wire, env, { identity: bob.identity, store: bob.store });
    await settle();
    expect(contentsOf(again)).toEqual(['waits']);
  });

  it('[BND-REFUSE-EXPIRED] bundles follow the weekly prekey, and each has a one-time pair of its own', async () => {
    const { alice, bob, env } = await makeCouple('weekly');
    expect((await bob.store.prekeys('oneTime')).length).toBe(1);
    await bob.messenger.bundle();
    expect([(await bob.store.prekeys('signed')).length, (await bob.store.prekeys('oneTime')).length]).toEqual([1, 2]);
    const old = await bob.messenger.bundle();
    env.advance(6.5 * 24 * 3_600_000);
    await bob.messenger.bundle();
    expect((await bob.store.prekeys('signed')).length).toBe(2);
    env.advance(24 * 3_600_000);
    expect(await rejectionOf(() => alice.messenger.establishSession(bob.messenger.did, old))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    env.advance(7 * 24 * 3_600_000);
    await bob.messenger.bundle();
    expect((await bob.store.prekeys('oneTime')).length).toBe(2);
  });
});
