import { describe, expect, it } from 'vitest';
import type { BatchHandler } from '../../src/message/batch.ts';
import type { MessageLogEntry } from '../../src/message/message-log.ts';
import type { Transport } from '../../src/message/transport.ts';
import { TransportError } from '../../src/errors/transport-error.ts';
import { memorySessionStore } from '../../src/session/memory-session-store.ts';
import { flip, rejectionOf, type TestEnv } from '../session/support.ts';
import { contentsOf, makeAgent, makeCouple, settle, watchStore, type Agent, type AgentOptions, type Couple, type StoreFault, type Wire } from './support.ts';

const send = (from: Agent, to: Agent, content: string) => from.messenger.send(to.messenger.did, content);
const range = (count: number) => Array.from({ length: count }, (_, i) => String(i));

/** Hands over what the test says, when it says so. */
type Hand = { readonly transport: Transport; give: BatchHandler };

function byHand({ transport }: Wire): Hand {
  const hand: Hand = {
    give: async () => 0,
    transport: {
      send: (to, frame) => transport.send(to, frame),
      receive: () => Promise.reject(new Error('batches are received')),
      receiveBatches: async (_, handler) => {
        hand.give = handler;
        return { close: async () => undefined };
      },
    },
  };
  return hand;
}

type Met = Couple & { readonly hand: Hand; readonly watched: StoreFault; readonly frames: (count: number) => Promise<Uint8Array[]> };

/** Bob has the session, and gets from now on what `hand` gives him. `frames`: so many new ones from Alice. */
async function meetByHand(seed: string, options: AgentOptions = {}): Promise<Met> {
  const couple = await makeCouple(seed);
  const { alice, wire, env } = couple;
  await send(alice, couple.bob, 'hello');
  await settle();
  await couple.bob.messenger.close();
  const hand = byHand(wire);
  const watched = watchStore(couple.bob.store);
  const bob = await makeAgent(wire, env, { identity: couple.bob.identity, store: watched.store, transport: hand.transport, ...options });
  wire.drop = () => true;
  let next = 0;
  const frames = async (count: number): Promise<Uint8Array[]> => {
    const from = wire.frames.length;
    for (let i = 0; i < count; i++) await send(alice, bob, String(next++));
    return wire.frames.slice(from);
  };
  return { ...couple, bob, hand, watched, frames };
}

describe('receiving in batches', () => {
  it('[MSG-GROUP-COMMIT] what waits is kept by one commit, recorded and handed over in order', async () => {
    const { bob, hand, watched, frames } = await meetByHand('group');
    expect(await hand.give(await frames(50))).toBe(50);
    await settle();
    expect(watched.commits.length).toBe(1);
    expect(watched.commits[0]).toMatchObject({ inbox: { length: 50 }, opened: { length: 50 } });
    expect(contentsOf(bob)).toEqual(range(50));
    expect(bob.entries.map((entry) => 'messageHash' in entry && entry.messageHash)).toEqual(bob.received.map(({ messageHash }) => messageHash));
    expect((await bob.store.inbox()).length).toBe(0);
  });

  it('[MSG-BATCH-ISOLATION] frames that are damaged, foreign or noise take nothing from those beside them, and the genuine ones open after it', async () => {
    const { bob, hand, watched, frames, env } = await meetByHand('isolation');
    const genuine = await frames(6);
    const damaged = flip(genuine[2]!, genuine[2]!.length - 1);
    const batch = [
      genuine[0]!,
      env.randomBytes(300),
      flip(genuine[1]!, 60),
      genuine[1]!,
      damaged,
      new Uint8Array(0),
      genuine[3]!,
      flip(genuine[4]!, 5),
      genuine[5]!,
    ];
    expect(await hand.give(batch)).toBe(batch.length);
    await settle();
    expect(contentsOf(bob)).toEqual(['0', '1', '3', '5']);
    expect(bob.errors.map((error) => (error as { code: string }).code).toSorted()).toEqual([
      ...Array.from({ length: 4 }, () => 'TALOS_SESSION_AUTH_FAILED'),
      'TALOS_SESSION_UNKNOWN',
    ]);
    expect(watched.commits.every(({ inbox }) => inbox!.length > 0)).toBe(true);
    expect(await hand.give([genuine[4]!, genuine[2]!])).toBe(2);
    await settle();
    expect(contentsOf(bob)).toEqual(['0', '1', '3', '5', '4', '2']);
  });

  it('[MSG-DUPLICATE] a frame that comes twice in one batch, and again in the next, is handed over once', async () => {
    const { bob, hand, frames } = await meetByHand('twice');
    const [a, b] = (await frames(2)) as [Uint8Array, Uint8Array];
    expect(await hand.give([a, a, b, a, b])).toBe(5);
    expect(await hand.give([b, a])).toBe(2);
    await settle();
    expect(contentsOf(bob)).toEqual(['0', '1']);
    expect(bob.received.every(({ redelivered }) => !redelivered)).toBe(true);
    expect(bob.errors).toEqual([]);
  });

  it('[RAT-BOUNDS] a key that came and went within a batch never reaches the store, one that is still missing does', async () => {
    const { bob, hand, watched, frames } = await meetByHand('keys');
    const sent = await frames(10);
    expect(await hand.give([sent[9]!, ...sent.slice(0, 4), ...sent.slice(5, 9).toReversed()])).toBe(9);
    await settle();
    expect(watched.commits[0]).toMatchObject({ skippedAdded: [{ chain: 2, number: 4 }], skippedRemoved: [] });
    expect(contentsOf(bob)).toEqual(['9', '0', '1', '2', '3', '8', '7', '6', '5']);
    await hand.give([sent[4]!]);
    await settle();
    expect(contentsOf(bob).at(-1)).toBe('4');
    expect(watched.commits[1]).toMatchObject({ skippedRemoved: [{ chain: 2, number: 4 }] });
  });

  it('[MSG-GROUP-COMMIT] a store that is full takes none of the batch, and all of it later', async () => {
    const { bob, hand, watched, frames } = await meetByHand('full');
    const batch = await frames(5);
    watched.isFull = true;
    expect(await hand.give(batch)).toBe(0);
    await settle();
    expect([contentsOf(bob), watched.commits.length]).toEqual([[], 0]);
    watched.isFull = false;
    expect(await hand.give(batch)).toBe(5);
    await settle();
    expect(contentsOf(bob)).toEqual(range(5));
  });

  it('[MSG-RECORD-THEN-SEND] at a record that fails the batch ends: what is before it is handed over, the rest when it comes again, each once', async () => {
    const entries: MessageLogEntry[] = [];
    let failing = 2;
    const append = async (entry: MessageLogEntry) => {
      if (failing-- === 0) throw new Error('the log is down');
      entries.push(entry);
    };
    const { bob, hand, watched, frames } = await meetByHand('record', { log: { append } });
    const batch = await frames(5);
    expect(await hand.give(batch)).toBe(2);
    await settle();
    expect([contentsOf(bob), watched.commits.length]).toEqual([['0', '1'], 1]);
    expect(await hand.give(batch.slice(2))).toBe(3);
    await settle();
    expect(contentsOf(bob)).toEqual(range(5));
    expect(watched.commits.length).toBe(1);
    expect(entries.slice(-3)).toMatchObject([{ repeated: true }, { repeated: true }, { repeated: true }]);
  });

  it('[MSG-GROUP-COMMIT] the opening, what follows it, and another session in one batch', async () => {
    const { alice, bob, hand, wire, env, frames } = await meetByHand('openings');
    const before = await frames(2);
    const carol = await makeAgent(wire, env);
    await carol.messenger.establishSession(bob.messenger.did, await bob.messenger.bundle());
    await alice.messenger.establishSession(bob.messenger.did, await bob.messenger.bundle());
    const from = wire.frames.length;
    for (const text of ['c0', 'c1', 'c2']) await send(carol, bob, text);
    const after = await frames(2);
    const mixed = [before[0]!, ...wire.frames.slice(from, from + 2), before[1]!, wire.frames[from + 2]!, ...after];
    expect(await hand.give(mixed)).toBe(mixed.length);
    await settle();
    expect(contentsOf(bob).filter((text) => String(text).startsWith('c'))).toEqual(['c0', 'c1', 'c2']);
    expect(new Set(contentsOf(bob))).toEqual(new Set(['c0', 'c1', 'c2', ...range(4)]));
    expect(bob.errors).toEqual([]);
  });

  it('[STO-PROCESSES] a second process took some of the batch first: the loser reloads, and each message is handed over by one of them', async () => {
    const { alice, bob, hand, wire, env, frames } = await meetByHand('second');
    const other = byHand(wire);
    const twin = await makeAgent(wire, env, { identity: bob.identity, store: bob.store, transport: other.transport });
    expect(alice.messenger.did).not.toBe(twin.messenger.did);
    const batch = await frames(8);
    await Promise.all([hand.give(batch), other.give([batch[3]!, batch[1]!, batch[6]!])]);
    await settle();
    const all = [...bob.received, ...twin.received].filter(({ redelivered }) => !redelivered).map(({ content }) => content);
    expect(all.toSorted()).toEqual(range(8));
    expect([bob.errors, twin.errors]).toEqual([[], []]);
  });
});

describe('sending in batches', () => {
  /** Takes what `room` says, in batches. */
  function rationed(wire: Wire): { readonly transport: Transport; room: number; readonly batches: number[] } {
    const full = () => new TransportError({ code: 'TALOS_TRANSPORT_SEND_FAILED', message: 'no room', retryable: true });
    const ration = {
      room: Infinity,
      batches: [] as number[],
      transport: {
        ...wire.transport,
        send: async (...args: Parameters<Transport['send']>) => {
          if (ration.room-- <= 0) throw full();
          await wire.transport.send(...args);
        },
        sendBatch: async (to: Parameters<Transport['send']>[0], frames: readonly Uint8Array[]) => {
          const count = Math.min(frames.length, Math.max(0, ration.room));
          if (count === 0) throw full();
          ration.room -= count;
          ration.batches.push(count);
          for (const frame of frames.slice(0, count)) await wire.transport.send(to, frame);
          return count;
        },
      },
    };
    return ration;
  }

  async function rationedCouple(seed: string, options: AgentOptions = {}) {
    const couple = await makeCouple(seed, { alice: { silent: true } });
    await send(couple.alice, couple.bob, 'hello');
    await settle();
    await couple.alice.messenger.close();
    const ration = rationed(couple.wire);
    const alice = await makeAgent(couple.wire, couple.env, {
      identity: couple.alice.identity,
      store: couple.alice.store,
      transport: ration.transport,
      ...options,
    });
    return { ...couple, alice, ration };
  }

  const advance = async (env: TestEnv, ms: number) => {
    env.advance(ms);
    await settle();
  };

  it('[MSG-BATCH-SEND] what waits goes by one call, and its rows go by one removal', async () => {
    const removals: number[] = [];
    const inner = memorySessionStore();
    const store = { ...inner, removeOutbox: (ids: readonly string[]) => inner.removeOutbox(ids).finally(() => removals.push(ids.length)) };
    const { bob, wire, env } = await makeCouple('one call');
    const ration = rationed(wire);
    const alice = await makeAgent(wire, env, { store, transport: ration.transport });
    await alice.messenger.establishSession(bob.messenger.did, await bob.messenger.bundle());
    const sent = await Promise.all(range(20).map((text) => send(alice, bob, text)));
    await settle();
    expect(sent.every(({ status }) => status === 'sent')).toBe(true);
    expect([ration.batches, removals]).toEqual([[20], [20]]);
    expect(contentsOf(bob)).toEqual(range(20));
    expect((await store.outbox()).length).toBe(0);
  });

  it('[MSG-BATCH-SEND] a transport that takes a part: that part is sent, the rest is queued and goes later, in order, each recorded once', async () => {
    const { alice, bob, ration, env } = await rationedCouple('part');
    ration.room = 2;
    const sent = await Promise.all(range(5).map((text) => send(alice, bob, text)));
    expect(sent.map(({ status }) => status)).toEqual(['sent', 'sent', 'queued', 'queued', 'queued']);
    ration.room = Infinity;
    await advance(env, 1000);
    expect(contentsOf(bob)).toEqual(['hello', ...range(5)]);
    expect(alice.entries.map((entry) => 'messageHash' in entry && entry.messageHash)).toEqual(sent.map(({ messageHash }) => messageHash));
    expect((await alice.store.outbox()).length).toBe(0);
  });

  it('[MSG-RECORD-THEN-SEND] a record that fails in the middle of a batch: what is before it is sent, nothing behind it', async () => {
    let failing = 2;
    const append = async () => {
      if (failing-- === 0) throw new Error('the log is down');
    };
    const { alice, bob, env } = await rationedCouple('log', { log: { append } });
    const outcomes = await Promise.allSettled(range(5).map((text) => send(alice, bob, text)));
    await settle();
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected']);
    expect(contentsOf(bob)).toEqual(['hello', '0', '1']);
    await advance(env, 1000);
    expect(contentsOf(bob)).toEqual(['hello', ...range(5)]);
  });

  it('[SES-SUPERSEDES] of a batch that a bound cuts off, what was not sent stays kept', async () => {
    const { alice, bob, wire, env } = await rationedCouple('bound');
    await Promise.all(range(3).map((text) => send(alice, bob, text)));
    env.advance(7 * 24 * 3_600_000);
    expect(await rejectionOf(() => send(alice, bob, 'late'))).toBe('TALOS_SESSION_LIMIT');
    expect((await alice.store.kept(bob.messenger.did)).length).toBe(4);
    expect(wire.isDown).toBe(false);
  });
});
