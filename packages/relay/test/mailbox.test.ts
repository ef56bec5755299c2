import { truncateSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { systemEnv, type Env } from '@talosprotocol/core';
import type { AgentId } from '@talosprotocol/core/identity';
import { maxFrameBytes } from '@talosprotocol/core/session';
import { deliveryWindow } from '@talosprotocol/core/web';
import { RawClient } from './raw-client.ts';
import { closeAll, newIdentity, relayHere, until } from './support.ts';

afterEach(closeAll);

let request = 0;
async function outcome(client: RawClient, to: AgentId, frame: Uint8Array): Promise<string> {
  const own = ++request;
  client.send({ type: 'send', request: own, to, frame });
  return client.answerTo(own);
}

async function fill(client: RawClient, to: AgentId, count: number): Promise<number> {
  for (let i = 0; i < count; i++) {
    const result = await outcome(client, to, Uint8Array.of(1, i >> 8, i, request));
    if (result !== 'done') return i;
  }
  return count;
}

const small = { known: { frames: 20, bytes: 10_000 }, strangers: { frames: 5, bytes: 1000 } };

describe('mailbox', () => {
  it('[RLY-QUOTA] strangers share a small quota, however many DIDs they make, and do not crowd out who the owner wrote to', async () => {
    const { url } = await relayHere({ limits: small });
    const [owner, friend] = [await newIdentity(), await newIdentity()];
    const written = await new RawClient(url).authenticate(owner);
    expect(await outcome(written, friend.did, Uint8Array.of(1))).toBe('done');
    const floods = await Promise.all([0, 1, 2].map(async () => fill(await new RawClient(url).authenticate(await newIdentity()), owner.did, 4)));
    expect(floods.reduce((sum, count) => sum + count)).toBe(5);
    expect(await fill(await new RawClient(url).authenticate(friend), owner.did, 30)).toBe(20);
  });

  it('[RLY-QUOTA] bytes count as well as frames, and what is acknowledged makes room', async () => {
    const { url } = await relayHere({ limits: small });
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    expect(await outcome(sender, owner.did, new Uint8Array(900).fill(1))).toBe('done');
    expect(await outcome(sender, owner.did, new Uint8Array(900).fill(2))).toBe('full');
    const receiver = await new RawClient(url).authenticate(owner);
    receiver.send({ type: 'receive', subscription: 9 });
    const { delivery } = await receiver.next('deliver');
    receiver.send({ type: 'acknowledge', subscription: 9, delivery });
    await until(async () => (await outcome(sender, owner.did, new Uint8Array(900).fill(2))) === 'done');
  });

  it('[RLY-QUOTA] [RLY-BATCH] of a batch the part that fits is kept, from its front, and what is there already takes no room', async () => {
    const { url } = await relayHere({ limits: small });
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    const batch = async (...frames: readonly Uint8Array[]): Promise<number | string> => {
      sender.send({ type: 'sendBatch', request: ++request, to: owner.did, frames });
      const answer = await sender.next('taken').catch(() => undefined);
      return answer?.count ?? 'none';
    };
    const frame = (name: number, length = 10) => new Uint8Array(length).fill(name);
    expect(await batch(frame(1), frame(2), frame(1))).toBe(3);
    expect(await batch(frame(2), frame(3), frame(4, 2000), frame(5))).toBe(2);
    expect(await batch(frame(4), frame(5), frame(6), frame(7))).toBe(2);
    sender.send({ type: 'sendBatch', request: ++request, to: owner.did, frames: [frame(8), frame(1)] });
    expect(await sender.answerTo(request)).toBe('full');
    sender.send({ type: 'sendBatch', request: ++request, to: owner.did, frames: [new Uint8Array(0), frame(1)] });
    expect(await sender.answerTo(request)).toBe('malformed');
    const receiver = await new RawClient(url).authenticate(owner);
    receiver.send({ type: 'receive', subscription: 1 });
    await until(() => receiver.replies.length === 5);
    expect(receiver.replies.map((reply) => reply.type === 'deliver' && reply.frame[0])).toEqual([1, 2, 3, 4, 5]);
  });

  it('[RLY-ONCE] a frame that is sent again while it waits is kept once, also when there is no room for another', async () => {
    const { url } = await relayHere({ limits: small });
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    for (let i = 0; i < 7; i++) expect(await outcome(sender, owner.did, Uint8Array.of(42))).toBe('done');
    expect(await fill(sender, owner.did, 10)).toBe(4);
    expect(await outcome(sender, owner.did, Uint8Array.of(42))).toBe('done');
    const receiver = await new RawClient(url).authenticate(owner);
    receiver.send({ type: 'receive', subscription: 1 });
    await until(() => receiver.replies.length === 5);
    expect(receiver.replies.filter((reply) => reply.type === 'deliver' && reply.frame[0] === 42)).toHaveLength(1);
  });

  it('[RLY-TTL] a frame that waited seven days is not delivered any more, and is gone after the next sweep', async () => {
    let now = Date.now();
    const timers: { readonly delayMs: number; readonly run: () => void }[] = [];
    const env: Env = { ...systemEnv, now: () => now, after: (delayMs, run) => (timers.push({ delayMs, run }), () => undefined) };
    const { url } = await relayHere({ env, limits: small });
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    expect(await fill(sender, owner.did, 9)).toBe(5);
    now += 7 * 24 * 3_600_000 + 1;
    const receiver = await new RawClient(url).authenticate(owner);
    receiver.send({ type: 'receive', subscription: 1 });
    expect(await outcome(sender, owner.did, Uint8Array.of(1))).toBe('full');
    expect(receiver.replies).toEqual([]);
    timers
      .filter(({ delayMs }) => delayMs === 60_000)
      .at(-1)
      ?.run();
    await until(async () => (await outcome(sender, owner.did, Uint8Array.of(2))) === 'done');
    expect([...(await receiver.next('deliver')).frame]).toEqual([2]);
  });

  it('[RLY-ACK] what was not acknowledged comes again on the next connection, and what was not delivered cannot be acknowledged', async () => {
    const { url } = await relayHere();
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    await fill(sender, owner.did, 3);
    const first = await new RawClient(url).authenticate(owner);
    first.send({ type: 'receive', subscription: 1 });
    await until(() => first.replies.length === 3);
    const { delivery } = await first.next('deliver');
    first.send({ type: 'acknowledge', subscription: 1, delivery });
    first.send({ type: 'acknowledge', subscription: 7, delivery: delivery + 2 });
    first.send({ type: 'acknowledge', subscription: 1, delivery: delivery + 100 });
    expect((await first.next('refused')).reason).toBe('malformed');
    await first.closed();
    const second = await new RawClient(url).authenticate(owner);
    second.send({ type: 'receive', subscription: 1 });
    await until(() => second.replies.length === 2);
    expect((await second.next('deliver')).delivery).toBe(delivery + 1);
  });

  it('[RLY-ACK] who stops right behind receiving is delivered nothing, and its mail waits for the next subscription', async () => {
    const { url } = await relayHere();
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    await fill(sender, owner.did, 1);
    const receiver = await new RawClient(url).authenticate(owner);
    receiver.send({ type: 'receive', subscription: 1 });
    receiver.send({ type: 'stop', subscription: 1 });
    receiver.send({ type: 'count', request: 2 });
    await receiver.answerTo(2);
    await fill(sender, owner.did, 1);
    receiver.send({ type: 'count', request: 3 });
    await receiver.answerTo(3);
    expect(receiver.replies).toEqual([]);
    receiver.send({ type: 'receive', subscription: 4 });
    await until(() => receiver.replies.length === 2);
    expect((await receiver.next('deliver')).subscription).toBe(4);
  });

  it('[RLY-HOSTILE] a disk that cannot be read ends who receives, and neither the relay nor who sends', async () => {
    const { url, path } = await relayHere();
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    // More than SQLite holds in memory: the oldest has to be read.
    for (let i = 0; i < 8; i++) await outcome(sender, owner.did, new Uint8Array(maxFrameBytes).fill(i));
    const receiver = await new RawClient(url).authenticate(owner);
    for (const file of [path, `${path}-wal`]) truncateSync(file, 0);
    receiver.send({ type: 'receive', subscription: 1 });
    expect((await receiver.next('refused')).reason).toBe('unavailable');
    await receiver.closed();
    sender.send({ type: 'count', request: ++request });
    expect(await sender.answerTo(request)).toBeTypeOf('string');
  });

  it('[RLY-OWNER] a mailbox is delivered to its owner only', async () => {
    const { url } = await relayHere();
    const owner = await newIdentity();
    const [sender, stranger] = [await new RawClient(url).authenticate(await newIdentity()), await new RawClient(url).authenticate(await newIdentity())];
    stranger.send({ type: 'receive', subscription: 1 });
    await fill(sender, owner.did, 3);
    stranger.send({ type: 'count', request: 5 });
    await stranger.next('counted');
    expect(stranger.replies).toEqual([]);
  });

  it('[RLY-OVERSIZED] a frame above 1 MiB is refused, a message above the bound ends the connection, and both leave the relay working', async () => {
    const { url } = await relayHere();
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    expect(await outcome(sender, owner.did, new Uint8Array(maxFrameBytes))).toBe('done');
    expect(await outcome(sender, owner.did, new Uint8Array(maxFrameBytes + 1))).toBe('oversized');
    sender.socket.send(new Uint8Array(maxFrameBytes + 300));
    expect(await sender.closed()).toBe(1009);
    expect(await fill(await new RawClient(url).authenticate(await newIdentity()), owner.did, 2)).toBe(2);
  });

  it('[RLY-BACKPRESSURE] a consumer that does not acknowledge is given one window and no more', async () => {
    const { url } = await relayHere({ limits: { strangers: { frames: 2 * deliveryWindow.frames, bytes: 2 ** 24 } } });
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    await fill(sender, owner.did, deliveryWindow.frames + 20);
    const receiver = await new RawClient(url).authenticate(owner);
    receiver.send({ type: 'receive', subscription: 1 });
    await until(() => receiver.replies.length >= deliveryWindow.frames);
    await fill(sender, owner.did, 5);
    expect(receiver.replies).toHaveLength(deliveryWindow.frames);
    const last = receiver.replies.at(-1);
    if (last?.type === 'deliver') receiver.send({ type: 'acknowledge', subscription: 1, delivery: last.delivery });
    await until(() => receiver.replies.length === deliveryWindow.frames + 25);
  });

  it('[RLY-BACKPRESSURE] the window is one of bytes too', async () => {
    const { url } = await relayHere();
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    for (let i = 0; i < 6; i++) await outcome(sender, owner.did, new Uint8Array(maxFrameBytes).fill(i));
    const receiver = await new RawClient(url).authenticate(owner);
    receiver.send({ type: 'receive', subscription: 1 });
    receiver.send({ type: 'count', request: 1 });
    await receiver.next('counted');
    await until(() => receiver.replies.length === 4);
    receiver.send({ type: 'count', request: 2 });
    await receiver.next('counted');
    expect(receiver.replies).toHaveLength(4);
  });

  it('[RLY-BACKPRESSURE] a slow consumer of large frames does not grow the relay', async () => {
    const { url } = await relayHere({ limits: { strangers: { frames: 1000, bytes: 2 ** 30 } } });
    const owner = await newIdentity();
    const receiver = await new RawClient(url).authenticate(owner);
    receiver.send({ type: 'receive', subscription: 1 });
    receiver.socket.pause();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 150; i++) await outcome(sender, owner.did, new Uint8Array(maxFrameBytes).fill(i));
    expect(process.memoryUsage().rss - before).toBeLessThan(120 * 1024 * 1024);
  });

  it('[RLY-BACKPRESSURE] a client that asks for its window again and again, and never reads, is cut off', async () => {
    const { url } = await relayHere();
    const owner = await newIdentity();
    const sender = await new RawClient(url).authenticate(await newIdentity());
    for (let i = 0; i < 4; i++) await outcome(sender, owner.did, new Uint8Array(maxFrameBytes).fill(i));
    const receiver = await new RawClient(url).authenticate(owner);
    receiver.socket.pause();
    for (let i = 1; i <= 10; i++) receiver.send({ type: 'receive', subscription: i });
    await until(() => receiver.socket.bufferedAmount === 0);
    await outcome(sender, owner.did, Uint8Array.of(1));
    receiver.socket.resume();
    expect(await receiver.closed()).toBe(1006);
    expect(receiver.replies.length).toBeLessThan(40);
  });
});
