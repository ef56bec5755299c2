import { afterEach, describe, expect, it } from 'vitest';
import { systemEnv } from '@talosprotocol/core';
import type { AgentId } from '@talosprotocol/core/identity';
import { openMessenger, type Messenger } from '@talosprotocol/core/message';
import { memorySessionStore } from '@talosprotocol/core/session';
import { deliveryWindow, webSocketTransport } from '@talosprotocol/core/web';
import { hostileRelay, type Carried, type HostileRelay, type Malice } from './hostile-relay.ts';
import { agentAt, closeAll, codeOf, newIdentity, onClose, until } from './support.ts';

afterEach(closeAll);

type Talker = { readonly messenger: Messenger; readonly did: AgentId; readonly received: string[]; readonly errors: unknown[] };

async function talker(relay: HostileRelay): Promise<Talker> {
  const identity = await newIdentity();
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const transport = webSocketTransport({ relays: relay.url })({ identity, env: systemEnv, onError });
  const messenger = await openMessenger({ identity, store: memorySessionStore(), transport, onError });
  onClose(async () => {
    await messenger.close();
    await transport.close?.();
  });
  const received: string[] = [];
  messenger.onMessage(({ content }) => void received.push(String(content)));
  return { messenger, did: identity.did, received, errors };
}

/** Two agents with a session through a relay that has been honest so far. */
async function pair(): Promise<{ readonly relay: HostileRelay; readonly a: Talker; readonly b: Talker }> {
  const relay = await hostileRelay();
  const [a, b] = [await talker(relay), await talker(relay)];
  await a.messenger.establishSession(b.did, await b.messenger.bundle());
  await a.messenger.send(b.did, 'hello');
  await until(() => b.received.length === 1);
  await b.messenger.send(a.did, 'welcome');
  await until(() => a.received.length === 1);
  return { relay, a, b };
}

/** Ten messages each way under the malice, then two honest ones: what arrived is a part of what was sent, each at most once. */
async function talkUnder(malice: (parts: { relay: HostileRelay; a: Talker; b: Talker }) => Malice): Promise<{ readonly a: Talker; readonly b: Talker }> {
  const { relay, a, b } = await pair();
  relay.malice = malice({ relay, a, b });
  for (let i = 0; i < 10; i++) {
    await a.messenger.send(b.did, `a${i}`);
    await b.messenger.send(a.did, `b${i}`);
  }
  relay.malice = (carried) => [carried];
  await a.messenger.send(b.did, 'after');
  await b.messenger.send(a.did, 'after');
  await until(() => a.received.includes('after') && b.received.includes('after'));
  for (const [{ received }, letter] of [
    [a, 'b'],
    [b, 'a'],
  ] as const) {
    const own = received.filter((text) => text.startsWith(letter) && text !== 'after');
    expect(new Set(received).size).toBe(received.length);
    expect(own.every((text) => /^[ab]\d$/.test(text))).toBe(true);
  }
  return { a, b };
}

const texts = (letter: string) => Array.from({ length: 10 }, (_, i) => `${letter}${i}`);

describe('a session under a hostile relay', () => {
  it('[RLY-UNTRUSTED] that drops: the rest arrives, and the session goes on', async () => {
    let n = 0;
    const { b } = await talkUnder(() => (carried) => (n++ % 3 === 0 ? [] : [carried]));
    expect(b.received.length).toBeGreaterThan(5);
  });

  it('[RLY-UNTRUSTED] that repeats: each message is handed over once', async () => {
    const { a, b } = await talkUnder(() => (carried) => [carried, carried, carried]);
    await until(() => texts('a').every((text) => b.received.includes(text)) && texts('b').every((text) => a.received.includes(text)));
    expect(b.received.filter((text) => text === 'a3')).toEqual(['a3']);
  });

  it('[RLY-UNTRUSTED] that delays and reorders: everything arrives in the end', async () => {
    const held: Carried[] = [];
    const { a, b } = await talkUnder(({ relay }) => (carried) => {
      held.push(carried);
      if (held.length % 4 !== 0) return [];
      setTimeout((late: Carried[]) => late.forEach((each) => relay.deliver(each)), 20, held.splice(0, 2));
      return held.splice(0).toReversed();
    });
    await until(() => a.received.length + b.received.length === 24);
    expect(a.received).toEqual(expect.arrayContaining(texts('b')));
    expect(b.received).toEqual(expect.arrayContaining(texts('a')));
  });

  it('[RLY-UNTRUSTED] that swaps recipients: a frame opens for nobody else, and its sender does not take it for an answer', async () => {
    const { a, b } = await talkUnder(({ a, b }) => (carried) => [{ ...carried, to: carried.to === a.did ? b.did : a.did }]);
    expect([a.received, b.received]).toEqual([
      ['welcome', 'after'],
      ['hello', 'after'],
    ]);
    expect(a.errors.length).toBeGreaterThan(0);
  });

  it('[RLY-UNTRUSTED] that damages and invents: nothing of it opens', async () => {
    const { a, b } = await talkUnder(() => (carried) => {
      const damaged = Uint8Array.from(carried.frame);
      damaged[damaged.length - 1]! ^= 1;
      return [
        { ...carried, frame: damaged },
        { ...carried, frame: crypto.getRandomValues(new Uint8Array(400)) },
        { ...carried, frame: new Uint8Array() },
      ];
    });
    expect([a.received.length, b.received.length]).toEqual([2, 2]);
  });

  it('[RLY-UNTRUSTED] that says the mailbox is full: messages wait in the outbox and arrive when it is not', async () => {
    const { relay, a, b } = await pair();
    relay.malice = () => 'refuse';
    expect((await a.messenger.send(b.did, 'patient')).status).toBe('queued');
    relay.malice = (carried) => [carried];
    await until(() => b.received.includes('patient'));
  });

  it('[RLY-UNTRUSTED] [RLY-BATCH] that does all of it to batches: what was sent arrives once or not at all, and the session goes on', async () => {
    const { relay, a, b } = await pair();
    let n = 0;
    const earlier: Carried[] = [];
    relay.malice = (carried) => {
      earlier.push(carried);
      const damaged = { ...carried, frame: carried.frame.with(carried.frame.length - 1, 0) };
      const kinds = [
        [carried],
        [],
        [carried, carried],
        [damaged, carried],
        [{ ...carried, to: a.did }, carried],
        [earlier[n % earlier.length]!, carried],
        'refuse',
      ];
      return kinds[n++ % kinds.length] as Carried[] | 'refuse';
    };
    for (let round = 0; round < 5; round++) {
      const messages = Array.from({ length: 20 }, (_, i) => a.messenger.send(b.did, `${round}/${i}`));
      await Promise.all([...messages, b.messenger.send(a.did, `back ${round}`)]);
    }
    relay.malice = (carried) => [carried];
    await until(() => b.received.includes('4/19') || b.received.length > 90, 60_000);
    await a.messenger.send(b.did, 'after');
    await until(() => b.received.includes('after'), 60_000);
    expect(new Set(b.received).size).toBe(b.received.length);
    // One in seven was dropped.
    expect(b.received.length).toBeGreaterThan(75);
  });

  it('[TRN-HOSTILE] that says it took more of a batch than there was, or nothing, is not believed: nothing counts as sent', async () => {
    const relay = await hostileRelay();
    const agent = await agentAt(relay.url);
    relay.boast = 7;
    const frames = [1, 2, 3].map((name) => Uint8Array.of(name));
    expect(await codeOf(agent.transport.sendBatch!(agent.did, frames))).toBe('TALOS_TRANSPORT_SEND_FAILED');
    relay.boast = -3;
    expect(await codeOf(agent.transport.sendBatch!(agent.did, frames))).toBe('TALOS_TRANSPORT_SEND_FAILED');
    relay.boast = 0;
    expect(await agent.transport.sendBatch!(agent.did, frames)).toBe(3);
  });

  it('[TRN-HOSTILE] that talks nonsense, or before it has a proof, is hung up on, and what waits for it is told', async () => {
    const identity = await newIdentity();
    for (const nonsense of [Uint8Array.of(), Uint8Array.of(200), Uint8Array.of(131, 0, 0, 0, 1), Uint8Array.of(130, 0, 0, 0, 0), 'text']) {
      const relay = await hostileRelay();
      relay.greeting = nonsense;
      const agent = await agentAt(relay.url, { identity });
      expect(await codeOf(agent.transport.send(agent.did, Uint8Array.of(1)))).toBe('TALOS_TRANSPORT_SEND_FAILED');
      expect(agent.errors).toContainEqual(expect.objectContaining({ code: 'TALOS_TRANSPORT_PROTOCOL' }));
    }
  });

  it('[TRN-HOSTILE] that delivers for a subscription that is over is not listened to', async () => {
    const relay = await hostileRelay();
    const agent = await agentAt(relay.url);
    const inbox: number[] = [];
    await agent.transport.send(agent.did, Uint8Array.of(0));
    await agent.transport.receive(agent.did, async ([name]) => void inbox.push(name!));
    await until(() => inbox.length === 1);
    relay.isStale = true;
    relay.deliver({ to: agent.did, frame: Uint8Array.of(1) });
    relay.isStale = false;
    relay.deliver({ to: agent.did, frame: Uint8Array.of(2) });
    await until(() => inbox.includes(2));
    expect(inbox).toEqual([0, 2]);
  });

  it('[TRN-HOSTILE] that delivers more than was acknowledged is hung up on', async () => {
    const relay = await hostileRelay();
    const agent = await agentAt(relay.url);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await agent.transport.receive(agent.did, () => held);
    expect(await codeOf(agent.transport.send(agent.did, Uint8Array.of(1)))).toBe('no error');
    for (let i = 0; i <= deliveryWindow.frames; i++) relay.deliver({ to: agent.did, frame: Uint8Array.of(i) });
    await until(() => agent.errors.some((error) => (error as { code?: string }).code === 'TALOS_TRANSPORT_PROTOCOL'));
    release();
  });
});
