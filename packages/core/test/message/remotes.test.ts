import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/bytes/concat.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/bytes/utf8.ts';
import { countRemotes, decodeContents, encodeContents, joinRemotes, maxRemotes } from '../../src/message/contents.ts';
import { readContents } from '../../src/message/open-batch.ts';
import { memorySessionStore } from '../../src/session/memory-session-store.ts';
import { contentsOf, makeAgent, makeCouple, settle, watchStore, type Agent } from './support.ts';

const call = (from: Agent, to: Agent, body: string) => from.messenger.sendRemote(to.messenger.did, encodeUtf8(body));
const names = (count: number) => Array.from({ length: count }, (_, i) => `call ${i}`);

describe('messages of remote calls that wait together', () => {
  it('[MSG-PACK] share a frame, a row and an entry at each end, and are handed over one by one, in order', async () => {
    const watched = watchStore(memorySessionStore());
    const { alice, bob, wire } = await makeCouple('pack', { alice: { store: watched.store } });
    const got: string[] = [];
    bob.messenger.onRemote(async ({ body }) => void got.push(decodeUtf8(body)));
    const sent = await Promise.all(names(70).map((name) => call(alice, bob, name)));
    await settle();
    expect(got).toEqual(names(70));
    expect(wire.frames).toHaveLength(2);
    expect(new Set(sent.map(({ messageHash }) => messageHash)).size).toBe(2);
    expect(watched.commits.at(-1)).toMatchObject({ outbox: { length: 2 }, kept: { length: 2 } });
    expect(alice.entries.filter(({ type }) => type === 'message.out')).toHaveLength(2);
    expect(bob.entries.filter(({ type }) => type === 'message.in')).toHaveLength(2);
    expect(await bob.store.inbox()).toEqual([]);
    expect(await alice.store.outbox()).toEqual([]);
  });

  it('[MSG-PACK] one alone goes as it is, and what is for the user is never among them', async () => {
    const { alice, bob, wire } = await makeCouple('pack alone');
    const got: string[] = [];
    bob.messenger.onRemote(async ({ body }) => void got.push(decodeUtf8(body)));
    await call(alice, bob, 'alone');
    expect(wire.frames).toHaveLength(1);
    const mixed = [call(alice, bob, 'a'), call(alice, bob, 'b'), alice.messenger.send(bob.messenger.did, 'text'), call(alice, bob, 'c'), call(alice, bob, 'd')];
    await Promise.all(mixed);
    await settle();
    expect(wire.frames).toHaveLength(4);
    expect(got).toEqual(['alone', 'a', 'b', 'c', 'd']);
    expect(contentsOf(bob)).toEqual(['text']);
  });

  it('[MSG-PACK] [MSG-REDELIVER] one whose handler fails comes again alone, and holds up no other; the row goes with the last', async () => {
    const { alice, bob, env } = await makeCouple('pack retry');
    const got: [string, boolean][] = [];
    let finish = (): void => undefined;
    const working = new Promise<void>((resolve) => (finish = resolve));
    bob.messenger.onRemote(async ({ body, redelivered }) => {
      const name = decodeUtf8(body);
      got.push([name, redelivered]);
      if (name === 'call 1' && !redelivered) throw new Error('not yet');
      if (name === 'call 2') await working;
    });
    await Promise.all(names(3).map((name) => call(alice, bob, name)));
    await settle();
    env.advance(1000);
    await settle();
    expect(got).toEqual([
      ['call 0', false],
      ['call 1', false],
      ['call 2', false],
      ['call 1', true],
    ]);
    expect(await bob.store.inbox()).toHaveLength(1);
    finish();
    await settle();
    expect(await bob.store.inbox()).toEqual([]);
    expect(got).toHaveLength(4);
  });

  it('[MSG-PACK] [MSG-REDELIVER] a crash before they are finished: the next run hands all of them over, marked', async () => {
    const { alice, bob, wire, env } = await makeCouple('pack crash');
    bob.messenger.onRemote(() => new Promise(() => undefined));
    await Promise.all(names(3).map((name) => call(alice, bob, name)));
    await settle();
    const again = await makeAgent(wire, env, { identity: bob.identity, store: bob.store });
    const got: [string, boolean][] = [];
    again.messenger.onRemote(async ({ body, redelivered }) => void got.push([decodeUtf8(body), redelivered]));
    await settle();
    expect(got).toEqual(names(3).map((name) => [name, true]));
    expect(await bob.store.inbox()).toEqual([]);
  });

  it('[MSG-PACK] not acknowledged when the session is replaced: all of them go by the new one', async () => {
    const { alice, bob, wire } = await makeCouple('pack again');
    const got: [string, boolean][] = [];
    bob.messenger.onRemote(async ({ body, redelivered }) => void got.push([decodeUtf8(body), redelivered]));
    wire.drop = () => true;
    await Promise.all(names(3).map((name) => call(alice, bob, name)));
    wire.drop = () => false;
    await alice.messenger.establishSession(bob.messenger.did, await bob.messenger.bundle());
    await call(alice, bob, 'next');
    await settle();
    expect(got).toEqual([...names(3).map((name) => [name, true]), ['next', false]]);
  });

  it('[MSG-PACK] no more than 64 of them and 64 KiB; a large one goes alone', () => {
    const small = encodeContents({ kind: 'remote', body: new Uint8Array(10) });
    const large = encodeContents({ kind: 'remote', body: new Uint8Array(60_000) });
    const text = encodeContents({ kind: 'text', text: 'x' });
    expect(countRemotes(Array.from({ length: 100 }, () => small))).toBe(maxRemotes);
    expect(countRemotes([large, large, small])).toBe(1);
    expect(countRemotes([small, large, large])).toBe(2);
    expect(countRemotes([encodeContents({ kind: 'remote', body: new Uint8Array(700_000) }), small])).toBe(1);
    expect(countRemotes([small, text, small])).toBe(1);
    expect(countRemotes([text, small])).toBe(1);
  });

  it('[MSG-PACK] what has not their form is opened and not handed over', () => {
    const bodies = Array.from({ length: maxRemotes }, (_, i) => encodeContents({ kind: 'remote', body: Uint8Array.of(i) }));
    const good = joinRemotes(bodies);
    expect(decodeContents(good)).toMatchObject({ kind: 'remotes', bodies: { length: maxRemotes } });
    expect(decodeContents(joinRemotes([bodies[0]!, encodeContents({ kind: 'remote', body: new Uint8Array(0) })]))).toMatchObject({
      bodies: [{ length: 1 }, { length: 0 }],
    });
    const refused = [
      joinRemotes([...bodies, bodies[0]!]),
      joinRemotes(bodies.slice(0, 1)),
      joinRemotes([]),
      good.subarray(0, good.length - 1),
      good.subarray(0, good.length - 3),
      concatBytes(good.subarray(0, 6), Uint8Array.of(0xff, 0xff, 0xff, 0xff)),
      concatBytes(Uint8Array.of(9, 0xff, 0xff, 0xff, 0xff), new Uint8Array(32)),
    ];
    for (const bytes of refused) expect(readContents(bytes)).toBeUndefined();
  });
});
