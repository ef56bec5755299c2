/** What every session store must keep, as cases that any test runner can run. A case resolves, or throws an error that says what differed. @module */
import { equalBytes } from '../bytes/equal.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { minDedupeKeys } from '../session/limits.ts';
import type { StoredPrekey } from '../session/prekeys.ts';
import type { InboxRow, KeptRow, OpenedMessage, OutboxRow, SessionStore, SessionWrites } from '../session/session-store.ts';
import type { StoredSkippedKey } from '../session/session-state-codec.ts';
import { storeSuite, type ConformanceCase, type StoreCase, type StoreUnderTest } from './conformance.ts';

/** `create` gives an empty store; `reopen` closes it and opens the same data again, where there is such a thing. */
export type SessionStoreSource = {
  create(): Promise<StoreUnderTest<SessionStore>>;
};

export function sessionStoreSuite(source: SessionStoreSource): readonly ConformanceCase[] {
  return storeSuite(cases, () => source.create());
}

const cases: readonly StoreCase<SessionStore>[] = [
  { name: 'what is not there is undefined or empty', check: empty },
  { name: 'a session comes back as it was committed', check: roundTrip },
  { name: 'a commit on another version is refused and writes nothing', check: compareAndSet },
  { name: 'of two commits on one version one wins', check: race },
  { name: 'skipped keys are rows of their own: added, then removed', check: skippedKeys },
  { name: 'a message is opened once, and a repeat writes nothing', check: opened },
  { name: 'of the messages that one commit opens each is remembered, or none if one was opened before', check: openedTogether },
  { name: 'outbox and inbox keep the order and are emptied by id', check: rows },
  { name: 'a consumed one-time pair is gone with the commit, and a second consumer is refused whole', check: oneTimePair },
  { name: 'an ephemeral key is seen once for each signed prekey, and forgotten with it', check: ephemeral },
  { name: 'prekeys are added all or none, found by kind and id, and removed', check: prekeys },
  { name: 'kept contents come by peer in order, and go with the commit that says so', check: kept },
  { name: 'a removed session is gone, and its rows are not', check: removal },
  { name: 'the sessions with a peer come in order of their first commit', check: sessionsWith },
  { name: 'what is read is a copy, and what is written is copied', check: copies },
  { name: 'everything is there after opening again', check: reopened },
];

const peer = 'did:key:z6Mkpeer' as AgentId;
const other = 'did:key:z6Mkother' as AgentId;

async function empty(store: SessionStore): Promise<void> {
  expectEqual('load', await store.load('none'), undefined);
  expectEqual('sessionsWith', (await store.sessionsWith(peer)).length, 0);
  expectEqual('outbox', (await store.outbox()).length, 0);
  expectEqual('inbox', (await store.inbox()).length, 0);
  expectEqual('prekey', await store.prekey('signed', 1), undefined);
  expectEqual('prekeys', (await store.prekeys('signed')).length, 0);
  await store.removeOutbox(['none']);
  await store.removeInbox(['none']);
  await store.removePrekeys([{ kind: 'signed', id: 1 }]);
}

async function roundTrip(store: SessionStore): Promise<void> {
  expectEqual('first version', await store.commit('s', 0, writes(1)), 1);
  expectEqual('second version', await store.commit('s', 1, writes(2)), 2);
  await expectState(store, { id: 's', version: 2, fill: 2 });
}

async function compareAndSet(store: SessionStore): Promise<void> {
  await store.commit('s', 0, writes(1));
  const refused = { ...writes(9), outbox: [outboxRow('o', 's')], inbox: [inboxRow('i', 's')], skippedAdded: [skippedKey(1, 1)] };
  for (const version of [0, 2, 7]) await expectCode(`version ${version}`, store.commit('s', version, refused), 'TALOS_STORE_CONFLICT');
  await expectCode('a session that is not there', store.commit('new', 1, refused), 'TALOS_STORE_CONFLICT');
  await expectState(store, { id: 's', version: 1, fill: 1 });
  expectEqual('new session', await store.load('new'), undefined);
  expectEqual('outbox', (await store.outbox()).length + (await store.inbox()).length, 0);
  expectEqual('skipped', (await store.load('s'))?.skipped.length, 0);
}

async function race(store: SessionStore): Promise<void> {
  await store.commit('s', 0, writes(1));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => store.commit('s', 1, { ...writes(10 + i), outbox: [outboxRow(String(i), 's')] })),
  );
  expectEqual('winners', outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  expectEqual('outbox', (await store.outbox()).length, 1);
  const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
  await expectState(store, { id: 's', version: 2, fill: 10 + winner });
}

async function skippedKeys(store: SessionStore): Promise<void> {
  await store.commit('s', 0, { ...writes(1), skippedAdded: [skippedKey(1, 1), skippedKey(1, 2), skippedKey(2, 1)] });
  // A key may come and go in one commit: what is removed is removed last.
  await store.commit('s', 1, { ...writes(2), skippedAdded: [skippedKey(2, 2)], skippedRemoved: [skippedKey(1, 2), skippedKey(2, 2), skippedKey(9, 9)] });
  await store.commit('t', 0, { ...writes(1), skippedRemoved: [skippedKey(1, 1)] });
  const left = (await store.load('s'))?.skipped ?? [];
  expectEqual(
    'left',
    left
      .map(({ chain, number }) => `${chain}/${number}`)
      .toSorted()
      .join(),
    '1/1,2/1',
  );
  expectBytes('key', left.find(({ chain }) => chain === 2)?.messageKey, skippedKey(2, 1).messageKey);
  expectEqual('time', left[0]?.storedAt, 1000);
}

async function opened(store: SessionStore): Promise<void> {
  await store.commit('s', 0, { ...writes(1), opened: [message('1/0')] });
  await expectCode('the same again', store.commit('s', 1, { ...writes(2), opened: [message('1/0')], inbox: [inboxRow('i', 's')] }), 'TALOS_STORE_CONFLICT');
  expectEqual('inbox', (await store.inbox()).length, 0);
  await store.commit('t', 0, { ...writes(1), opened: [message('1/0')] });
  for (let i = 1; i < minDedupeKeys; i++) await store.commit('s', i, { ...writes(1), opened: [message(`1/${i}`)] });
  expectBytes('header', await store.opened('s', '1/1'), message('1/1').headerHash);
  expectEqual('not opened', await store.opened('s', '2/1'), undefined);
  await expectCode('after many', store.commit('s', minDedupeKeys, { ...writes(2), opened: [message('1/1')] }), 'TALOS_STORE_CONFLICT');
}

async function openedTogether(store: SessionStore): Promise<void> {
  const names = ['1/0', '1/1', '1/2'];
  await store.commit('s', 0, { ...writes(1), opened: names.map(message), inbox: [inboxRow('a', 's'), inboxRow('b', 's'), inboxRow('c', 's')] });
  expectEqual('order', (await store.inbox()).map(({ id }) => id).join(), 'a,b,c');
  for (const name of names) expectBytes(name, await store.opened('s', name), message(name).headerHash);
  const repeated = ['1/3', '1/1', '1/4'].map(message);
  await expectCode('one of them again', store.commit('s', 1, { ...writes(2), opened: repeated, inbox: [inboxRow('d', 's')] }), 'TALOS_STORE_CONFLICT');
  await expectCode('one twice', store.commit('s', 1, { ...writes(2), opened: [message('1/3'), message('1/3')] }), 'TALOS_STORE_CONFLICT');
  expectEqual('not opened', await store.opened('s', '1/3'), undefined);
  await expectState(store, { id: 's', version: 1, fill: 1 });
  expectEqual('inbox', (await store.inbox()).length, 3);
}

async function rows(store: SessionStore): Promise<void> {
  await store.commit('s', 0, { ...writes(1), outbox: [outboxRow('b', 's'), outboxRow('a', 's')] });
  await store.commit('t', 0, { ...writes(1), outbox: [outboxRow('c', 't')], inbox: [inboxRow('z', 't'), inboxRow('y', 't')] });
  expectEqual('outbox', (await store.outbox()).map(({ id }) => id).join(), 'b,a,c');
  expectEqual('inbox', (await store.inbox()).map(({ id }) => id).join(), 'z,y');
  expectBytes('frame', (await store.outbox())[0]?.frame, outboxRow('b', 's').frame);
  expectEqual('row', JSON.stringify({ ...(await store.inbox())[0], contents: 0 }), JSON.stringify({ ...inboxRow('z', 't'), contents: 0 }));
  await store.removeOutbox(['b', 'c', 'b']);
  await store.removeInbox(['z']);
  expectEqual('outbox left', (await store.outbox()).map(({ id }) => id).join(), 'a');
  expectEqual('inbox left', (await store.inbox()).map(({ id }) => id).join(), 'y');
}

async function kept(store: SessionStore): Promise<void> {
  await store.commit('s', 0, { ...writes(1), kept: [keptRow('b', 's'), keptRow('a', 's')], outbox: [outboxRow('b', 's')] });
  await store.commit('q', 0, { ...writes(1), peer: other, kept: [{ ...keptRow('c', 'q'), to: other }] });
  expectEqual('of the peer', (await store.kept(peer)).map(({ id }) => id).join(), 'b,a');
  expectBytes('contents', (await store.kept(peer))[0]?.contents, keptRow('b', 's').contents);
  expectEqual('row', JSON.stringify({ ...(await store.kept(peer))[0], contents: 0 }), JSON.stringify({ ...keptRow('b', 's'), contents: 0 }));
  await expectCode('refused', store.commit('t', 5, { ...writes(1), keptRemoved: ['b'] }), 'TALOS_STORE_CONFLICT');
  expectEqual('still there', (await store.kept(peer)).length + (await store.outbox()).length, 3);
  await store.commit('q', 1, { ...writes(2), peer: other, keptRemoved: ['b'] });
  expectEqual('another peer’s word removes nothing', (await store.kept(peer)).length + (await store.outbox()).length, 3);
  await store.commit('t', 0, { ...writes(1), keptRemoved: ['b', 'none'], kept: [keptRow('d', 't')] });
  expectEqual('left', (await store.kept(peer)).map(({ id }) => id).join(), 'a,d');
}

async function removal(store: SessionStore): Promise<void> {
  await store.commit('s', 0, {
    ...writes(1),
    skippedAdded: [skippedKey(1, 1)],
    opened: [message('1/0')],
    inbox: [inboxRow('i', 's')],
    outbox: [outboxRow('o', 's')],
  });
  await store.removeSession('s');
  await store.removeSession('s');
  expectEqual('session', await store.load('s'), undefined);
  expectEqual('sessions', (await store.sessionsWith(peer)).length, 0);
  expectEqual('opened', await store.opened('s', '1/0'), undefined);
  expectEqual('rows', (await store.inbox()).length + (await store.outbox()).length, 2);
  expectEqual('again', await store.commit('s', 0, writes(2)), 1);
  expectEqual('skipped', (await store.load('s'))?.skipped.length, 0);
}

async function oneTimePair(store: SessionStore): Promise<void> {
  await store.addPrekeys([prekey('oneTime', 5), prekey('oneTime', 6)]);
  await store.commit('s', 0, { ...writes(1), consumedOneTimeId: 5 });
  expectEqual('consumed', await store.prekey('oneTime', 5), undefined);
  await expectCode('again', store.commit('t', 0, { ...writes(1), consumedOneTimeId: 5, inbox: [inboxRow('i', 't')] }), 'TALOS_STORE_CONFLICT');
  expectEqual('session', await store.load('t'), undefined);
  expectEqual('inbox', (await store.inbox()).length, 0);
  await expectCode('refused for its version', store.commit('s', 0, { ...writes(1), consumedOneTimeId: 6 }), 'TALOS_STORE_CONFLICT');
  expectEqual('kept', (await store.prekey('oneTime', 6))?.id, 6);
}

async function ephemeral(store: SessionStore): Promise<void> {
  const seen = (signedPrekeyId: number): SessionWrites => ({ ...writes(1), seenEphemeral: { signedPrekeyId, key: 'E' } });
  await store.addPrekeys([prekey('signed', 1), prekey('signed', 12)]);
  await store.commit('a', 0, seen(1));
  await expectCode('again', store.commit('b', 0, seen(1)), 'TALOS_STORE_CONFLICT');
  expectEqual('session', await store.load('b'), undefined);
  await store.commit('c', 0, seen(12));
  await store.removePrekeys([{ kind: 'signed', id: 1 }]);
  await expectCode('of the prekey that stays', store.commit('d', 0, seen(12)), 'TALOS_STORE_CONFLICT');
  await store.commit('e', 0, seen(1));
}

async function prekeys(store: SessionStore): Promise<void> {
  await store.addPrekeys([prekey('signed', 1), prekey('lastResort', 1), prekey('oneTime', 0xffffffff)]);
  await expectCode('a taken id', store.addPrekeys([prekey('signed', 2), prekey('signed', 1)]), 'TALOS_STORE_CONFLICT');
  expectEqual('all or none', await store.prekey('signed', 2), undefined);
  const found = await store.prekey('oneTime', 0xffffffff);
  expectBytes('secret', found?.secret, prekey('oneTime', 0xffffffff).secret);
  expectEqual('time', found?.notAfter, 2 ** 41);
  expectEqual('by kind', (await store.prekeys('signed')).map(({ id }) => id).join(), '1');
  await store.removePrekeys([{ kind: 'signed', id: 1 }]);
  expectEqual('removed', await store.prekey('signed', 1), undefined);
  expectEqual('another kind', (await store.prekey('lastResort', 1))?.id, 1);
}

async function sessionsWith(store: SessionStore): Promise<void> {
  for (const id of ['z', 'a', 'm']) await store.commit(id, 0, writes(1));
  await store.commit('q', 0, { ...writes(1), peer: other });
  await store.commit('z', 1, writes(2));
  expectEqual('peer', (await store.sessionsWith(peer)).join(), 'z,a,m');
  expectEqual('other', (await store.sessionsWith(other)).join(), 'q');
}

async function copies(store: SessionStore): Promise<void> {
  const written = { ...writes(1), skippedAdded: [skippedKey(1, 1)], outbox: [outboxRow('o', 's')] };
  await store.commit('s', 0, written);
  written.state.fill(99);
  written.outbox[0]?.frame.fill(99);
  written.skippedAdded[0]?.messageKey.fill(99);
  (await store.load('s'))?.state.fill(99);
  await expectState(store, { id: 's', version: 1, fill: 1 });
  expectBytes('frame', (await store.outbox())[0]?.frame, outboxRow('o', 's').frame);
  expectBytes('skipped', (await store.load('s'))?.skipped[0]?.messageKey, skippedKey(1, 1).messageKey);
}

async function reopened(store: SessionStore, reopen: () => Promise<SessionStore>): Promise<void> {
  await store.addPrekeys([prekey('signed', 3)]);
  await store.commit('s', 0, {
    ...writes(4),
    outbox: [outboxRow('o', 's')],
    inbox: [inboxRow('i', 's')],
    skippedAdded: [skippedKey(1, 1)],
    opened: [message('1/0')],
  });
  const again = await reopen();
  await expectState(again, { id: 's', version: 1, fill: 4 });
  expectEqual('skipped', (await again.load('s'))?.skipped.length, 1);
  expectEqual('rows', (await again.outbox()).length + (await again.inbox()).length, 2);
  expectEqual('prekey', (await again.prekey('signed', 3))?.id, 3);
  await expectCode('dedupe', again.commit('s', 1, { ...writes(5), opened: [message('1/0')] }), 'TALOS_STORE_CONFLICT');
}

function writes(fill: number): SessionWrites & { readonly state: Uint8Array } {
  return { state: new Uint8Array(400).fill(fill), peer };
}

function outboxRow(id: string, sessionId: string): OutboxRow {
  return { id, sessionId, sessionVersion: 1, to: peer, frame: new Uint8Array(300).fill(id.charCodeAt(0)) };
}

function inboxRow(id: string, sessionId: string): InboxRow {
  return { id, sessionId, sessionVersion: 1, from: peer, contents: new Uint8Array(20).fill(7), frameBytes: 300, receivedAt: 2000 };
}

function keptRow(id: string, sessionId: string): KeptRow {
  return { id, sessionId, to: peer, contents: new Uint8Array(30).fill(id.charCodeAt(0)), keptAt: 3000 };
}

function message(name: string): OpenedMessage {
  return { name, headerHash: new Uint8Array(8).fill(name.length) };
}

function skippedKey(chain: number, number: number): StoredSkippedKey {
  return { chain, number, messageKey: new Uint8Array(32).fill(chain * 16 + number), storedAt: 1000 };
}

function prekey(kind: StoredPrekey['kind'], id: number): StoredPrekey {
  return { kind, id, secret: new Uint8Array(32).fill(id % 251), notAfter: 2 ** 41 };
}

async function expectState(store: SessionStore, expected: { readonly id: string; readonly version: number; readonly fill: number }): Promise<void> {
  const session = await store.load(expected.id);
  expectEqual('version', session?.version, expected.version);
  expectBytes('state', session?.state, new Uint8Array(400).fill(expected.fill));
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}

function expectBytes(what: string, actual: Uint8Array | undefined, expected: Uint8Array): void {
  if (actual === undefined || !equalBytes(actual, expected)) throw new Error(`${what}: other bytes than were written`);
}

async function expectCode(what: string, promise: Promise<unknown>, code: string): Promise<void> {
  let actual = 'no error';
  try {
    await promise;
  } catch (error) {
    actual = TalosError.isInstance(error) ? error.code : `an error without a code: ${String(error)}`;
  }
  expectEqual(what, actual, code);
}
