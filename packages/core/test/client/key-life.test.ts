import { describe, expect, it } from 'vitest';
import { any } from '../../src/capability/constraints/any.ts';
import { memoryHome } from '../../src/client/home.ts';
import type { Home } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import type { ClientOptions } from '../../src/client/client-options.ts';
import { systemEnv } from '../../src/env/env.ts';
import { hashKeyEvent } from '../../src/identity/key-event.ts';
import { decodeIdentitySecrets } from '../../src/identity/identity-secrets.ts';
import { restoreIdentity, rotateIdentitySecrets, type Identity } from '../../src/identity/identity.ts';
import { rotateKeyHistory, verifyKeyHistory } from '../../src/identity/key-history.ts';
import { signIdentityCard } from '../../src/identity/identity-card.ts';
import { generateSigner } from '../../src/identity/signer.ts';
import { introduce, readIntroduction } from '../../src/message/introduction.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import { openMessenger } from '../../src/message/messenger.ts';
import { memorySessionStore } from '../../src/session/memory-session-store.ts';
import type { KeyStore } from '../../src/identity/key-store.ts';

type Agent = { readonly client: TalosClient; readonly home: Home; readonly heard: string[]; readonly told: unknown[]; readonly errors: unknown[] };

async function start(name: string, options: ClientOptions): Promise<Agent> {
  const home = options.stores ?? memoryHome();
  const client = await TalosClient.create(name, { ...options, stores: home });
  const [heard, told, errors]: [string[], unknown[], unknown[]] = [[], [], []];
  client.on('message', ({ content }) => void heard.push(String(content)));
  client.on('peerChanged', (change) => told.push(change));
  client.on('error', (error) => errors.push(error));
  return { client, home, heard, told, errors };
}

/** Alice and Bob with a session that both have used. */
async function couple(options: Omit<ClientOptions, 'transport'> = {}) {
  const transport = memoryTransport();
  const [alice, bob] = [await start('alice', { transport }), await start('bob', { transport, ...options })];
  await alice.client.establishSession(bob.client.did, await bob.client.bundle());
  await say(alice, bob, 'hello');
  await say(bob, alice, 'welcome');
  return { transport, alice, bob };
}

/** Until the other end has it: nothing here waits for a time. */
async function say(from: Agent, to: Agent, text: string): Promise<void> {
  await from.client.send(to.client.did, text);
  await expect.poll(() => to.heard, { timeout: 20_000 }).toContain(text);
}

async function secretsOf({ home, client }: Agent) {
  return decodeIdentitySecrets((await home.keys.load(`agent.${client.name}`)) as Uint8Array);
}

/** A thief with the keys of this moment, on the same wire. */
async function thief(identity: Identity, transport: ReturnType<typeof memoryTransport>) {
  return openMessenger({ identity, store: memorySessionStore(), transport: { ...transport, receive: async () => ({ close: async () => undefined }) } });
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error as { code?: unknown }).code,
  );

describe('rotation', () => {
  it('[KEY-ROTATE] the session goes on, the peer is told in it, and the new key opens new ones both ways', async () => {
    const { alice, bob } = await couple();
    const before = await bob.client.fingerprint(alice.client.did);
    await alice.client.rotate({ reason: 'weekly' });
    await expect.poll(() => bob.told, { timeout: 20_000 }).toEqual([{ did: alice.client.did, change: 'key' }]);
    await say(alice, bob, 'after');
    await say(bob, alice, 'back');
    const after = await bob.client.fingerprint(alice.client.did);
    expect(after).not.toBe(before);
    expect(await alice.client.fingerprint(bob.client.did)).toBe(after);
    await alice.client.establishSession(bob.client.did, await bob.client.bundle());
    await say(alice, bob, 'in a new one');
    await bob.client.establishSession(alice.client.did, await alice.client.bundle());
    await say(bob, alice, 'and in another');
    expect(bob.errors).toEqual([]);
    await Promise.all([alice.client.close(), bob.client.close()]);
  });

  it('[KEY-ROTATE] who never met the agent learns its history with its first message, and with its bundle', async () => {
    const transport = memoryTransport();
    const [alice, bob, carol] = [await start('alice', { transport }), await start('bob', { transport }), await start('carol', { transport })];
    await alice.client.rotate();
    await alice.client.rotate();
    await alice.client.establishSession(bob.client.did, await bob.client.bundle());
    await say(alice, bob, 'hello');
    await carol.client.establishSession(alice.client.did, await alice.client.bundle());
    await say(carol, alice, 'hello too');
    expect(await bob.client.fingerprint(alice.client.did)).toBe(await alice.client.fingerprint(bob.client.did));
    await Promise.all([alice, bob, carol].map(({ client }) => client.close()));
  });

  it('[KEY-ROTATE] comes back after a restart, and its grants, revocations and log go on', async () => {
    const transport = memoryTransport();
    const home = memoryHome();
    let alice = await start('alice', { transport, stores: home });
    const old = await alice.client.grant({ to: alice.client.did, tools: { act: { x: any() } } });
    await alice.client.revoke(old);
    const index = alice.client.log.size - 1;
    const proof = await alice.client.log.proveInclusion(index);
    await alice.client.rotate();
    const token = await alice.client.grant({ to: alice.client.did, tools: { act: { x: any() } } });
    const run = (client: TalosClient) => client.guard({ capability: token }).run({ tool: 'act', input: { x: 1 } }, async () => 'done');
    expect(await run(alice.client)).toMatchObject({ value: 'done' });
    await alice.client.close();
    alice = await start('alice', { transport, stores: home });
    expect(verifyKeyHistory(alice.client.history).sequence).toBe(1);
    expect(await run(alice.client)).toMatchObject({ value: 'done' });
    await alice.client.revoke(token);
    await alice.client.close();
    alice = await start('alice', { transport, stores: home });
    expect(await run(alice.client)).toMatchObject({ refusal: { code: 'REVOKED' } });
    // The log has a key of its own: what was proved before the rotation verifies after it.
    expect(alice.client.verifyProof(proof).entry.type).toBe('capability.revoked');
    expect((await alice.client.log.entry(index + 1)).entry).toMatchObject({ type: 'key.bound', sequence: 1, head: hashKeyEvent(alice.client.history[1]!) });
    await alice.client.close();
  });
});

describe('a changed key', () => {
  it('[KEY-CHANGED] of a pinned peer, without the history that leads to it, is refused, and the message names the fix', async () => {
    const { alice, bob } = await couple();
    await alice.client.rotate();
    const { history, body } = readIntroduction(await alice.client.bundle());
    expect(history).toBeDefined();
    const transport = memoryTransport();
    const carol = await start('carol', { transport });
    await expect(carol.client.establishSession(alice.client.did, body)).rejects.toMatchObject({
      code: 'TALOS_IDENTITY_KEY_CHANGED',
      message: expect.stringContaining('client.pin(card)') as string,
    });
    await carol.client.pin(await alice.client.card());
    await carol.client.establishSession(alice.client.did, body);
    await Promise.all([alice, bob, carol].map(({ client }) => client.close()));
  });

  it('[KEY-CHANGED] a thief of the old key is refused by who knows of the rotation: his bundle and his handshake', async () => {
    const { alice, bob, transport } = await couple();
    const stolen = await restoreIdentity(await secretsOf(alice));
    const mallory = await thief(stolen, transport);
    await alice.client.rotate();
    await expect.poll(() => bob.told.length, { timeout: 20_000 }).toBe(1);
    expect(await code(bob.client.establishSession(alice.client.did, await mallory.bundle()))).toBe('TALOS_IDENTITY_KEY_CHANGED');
    await mallory.establishSession(bob.client.did, await bob.client.bundle());
    await mallory.send(bob.client.did, 'it is me');
    await expect.poll(() => bob.errors.map((error) => (error as { code?: string }).code), { timeout: 20_000 }).toContain('TALOS_SESSION_BAD_HANDSHAKE');
    expect(bob.errors.map((error) => (error as { code?: string }).code)).toContain('TALOS_IDENTITY_KEY_CHANGED');
    await say(alice, bob, 'really me');
    expect(bob.heard).not.toContain('it is me');
    await mallory.close();
    await Promise.all([alice.client.close(), bob.client.close()]);
  });

  it('[KEY-CHANGED] he cannot rotate to a key of his own, nor put another agent’s history before his bundle', async () => {
    const { alice, bob, transport } = await couple();
    const stolen = await restoreIdentity(await secretsOf(alice));
    const mallory = await thief(stolen, transport);
    const [next, following] = [generateSigner(systemEnv), generateSigner(systemEnv)];
    await expect(
      rotateKeyHistory(stolen.history, { signer: stolen.signer, nextSigner: next, followingKey: following.publicKey, now: Date.now() }),
    ).rejects.toMatchObject({ code: 'TALOS_IDENTITY_BAD_HISTORY' });
    const bundle = await mallory.bundle();
    expect(await code(bob.client.establishSession(alice.client.did, introduce(bob.client.history, bundle)))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    const garbled = introduce([{ event: 'x', signatures: null as unknown as Record<string, string> }], bundle);
    expect(await code(bob.client.establishSession(alice.client.did, garbled))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    for (let length = 1; length < 40; length++)
      expect(await code(bob.client.establishSession(alice.client.did, garbled.subarray(0, length)))).toMatch(/^TALOS_IDENTITY_BAD_(BUNDLE|HISTORY)$/);
    await mallory.close();
    await Promise.all([alice.client.close(), bob.client.close()]);
  });

  it('[KEY-EQUIVOCATION] two events of one sequence end the identity for good, also after a restart, and are kept as evidence', async () => {
    const { alice, bob, transport } = await couple();
    const secrets = await secretsOf(alice);
    const [one, two] = [await rotateIdentitySecrets(secrets, systemEnv, 'one'), await rotateIdentitySecrets(secrets, systemEnv, 'two')];
    const card = async (identity: Identity) =>
      signIdentityCard({ name: 'a', endpoints: [], log: { origin: 'o', verifierKey: 'k' }, issuedAt: Date.now() }, identity);
    await bob.client.pin(await card(await restoreIdentity(one)));
    expect(await code(bob.client.pin(await card(await restoreIdentity(two))))).toBe('TALOS_IDENTITY_EQUIVOCATION');
    expect(bob.told).toContainEqual({ did: alice.client.did, change: 'equivocation' });
    expect(await code(bob.client.send(alice.client.did, 'still there?'))).toBe('TALOS_IDENTITY_EQUIVOCATION');
    await bob.client.close();
    const again = await start('bob', { transport, stores: bob.home });
    expect(await code(again.client.send(alice.client.did, 'still there?'))).toBe('TALOS_IDENTITY_EQUIVOCATION');
    expect(await code(again.client.pin(await card(await restoreIdentity(one))))).toBe('TALOS_IDENTITY_EQUIVOCATION');
    await Promise.all([alice.client.close(), again.client.close()]);
  });
});

describe('trust', () => {
  it('[KEY-PINNED-ONLY] an agent that refuses first contact talks to pinned peers only, both ways', async () => {
    const transport = memoryTransport();
    const careful = await start('careful', { transport, trust: { firstContact: 'refuse' } });
    const other = await start('other', { transport });
    expect(await code(careful.client.establishSession(other.client.did, await other.client.bundle()))).toBe('TALOS_IDENTITY_NOT_PINNED');
    await other.client.establishSession(careful.client.did, await careful.client.bundle());
    await other.client.send(careful.client.did, 'let me in');
    await expect.poll(() => careful.errors.map((error) => (error as { code?: string }).code), { timeout: 20_000 }).toContain('TALOS_IDENTITY_NOT_PINNED');
    expect(careful.heard).toEqual([]);
    await careful.client.pin(await other.client.card());
    await other.client.establishSession(careful.client.did, await careful.client.bundle());
    await say(other, careful, 'thank you');
    await Promise.all([careful.client.close(), other.client.close()]);
  });

  it('[KEY-FINGERPRINT] sixty digits, the same at both ends, others for every other pair, and none before the first contact', async () => {
    const { alice, bob, transport } = await couple();
    const carol = await start('carol', { transport });
    expect(await code(alice.client.fingerprint(carol.client.did))).toBe('TALOS_IDENTITY_NOT_PINNED');
    const digits = await alice.client.fingerprint(bob.client.did);
    expect(digits).toMatch(/^(\d{5} ){11}\d{5}$/);
    expect(await bob.client.fingerprint(alice.client.did)).toBe(digits);
    await carol.client.pin(await alice.client.card());
    await alice.client.pin(await carol.client.card());
    expect(await carol.client.fingerprint(alice.client.did)).toBe(await alice.client.fingerprint(carol.client.did));
    expect(await carol.client.fingerprint(alice.client.did)).not.toBe(digits);
    await Promise.all([alice, bob, carol].map(({ client }) => client.close()));
  });

  it('[KEY-CARD] a card with a changed character, or of the future, is refused; endpoints and log are in it', async () => {
    const agent = await start('agent', { transport: memoryTransport() });
    const reader = await start('reader', { transport: memoryTransport() });
    const endpoints = ['wss://one.example', 'wss://two.example:8443'];
    const card = await agent.client.card({ endpoints });
    expect(await reader.client.pin(card)).toMatchObject({
      did: agent.client.did,
      name: 'agent',
      endpoints,
      log: { verifierKey: agent.client.log.verifierKey },
    });
    for (let at = 0; at < card.length; at += 7) {
      const changed = card.slice(0, at) + (card[at] === 'A' ? 'B' : 'A') + card.slice(at + 1);
      expect(await code(reader.client.pin(changed))).toMatch(/^TALOS_IDENTITY_BAD_(CARD|HISTORY)$/);
    }
    expect(await code(agent.client.card({ endpoints: ['javascript:alert(1)'] }))).toBe('TALOS_IDENTITY_BAD_CARD');
    const ahead = await TalosClient.create('ahead', { env: { ...systemEnv, now: () => Date.now() + 3_600_000 }, transport: memoryTransport() });
    expect(await code(reader.client.pin(await ahead.card()))).toBe('TALOS_IDENTITY_BAD_CARD');
    await Promise.all([agent.client.close(), reader.client.close(), ahead.close()]);
  });
});

describe('a revoked identity', () => {
  it('[KEY-REVOKED] is refused by its peers: sessions, handshakes, bundles, and what it granted, also in use', async () => {
    const { alice, bob, transport } = await couple({ trust: { issuers: [] } });
    const stolen = await restoreIdentity(await secretsOf(alice));
    const mallory = await thief(stolen, transport);
    const bundle = await mallory.bundle();
    await bob.client.close();
    const trusting = await start('bob', { transport, stores: bob.home, trust: { issuers: [alice.client.did] } });
    const grant = await alice.client.grant({ to: trusting.client.did, tools: { act: { x: any() } } });
    const guard = trusting.client.guard({ capability: grant });
    expect(await guard.run({ tool: 'act', input: { x: 1 } }, async () => 'done')).toMatchObject({ value: 'done' });
    await trusting.client.bundle();
    await alice.client.revokeIdentity({ reason: 'stolen' });
    await expect.poll(() => trusting.told, { timeout: 20_000 }).toEqual([{ did: alice.client.did, change: 'revoked' }]);
    expect(await guard.run({ tool: 'act', input: { x: 1 } }, async () => 'done')).toMatchObject({ refusal: { code: 'REVOKED' } });
    const fresh = trusting.client.guard({ capability: grant });
    expect(await fresh.run({ tool: 'act', input: { x: 1 } }, async () => 'done')).toMatchObject({ refusal: { code: 'REVOKED' } });
    expect(await code(trusting.client.send(alice.client.did, 'hello?'))).toBe('TALOS_IDENTITY_REVOKED');
    expect(await code(trusting.client.establishSession(alice.client.did, bundle))).toBe('TALOS_IDENTITY_REVOKED');
    expect(await code(TalosClient.create('alice', { stores: alice.home }))).toBe('TALOS_IDENTITY_REVOKED');
    await mallory.close();
    await trusting.client.close();
  });

  it('[KEY-ROTATED-RIGHTS] what the old key granted, or held, ends with the rotation that a verifier learns of', async () => {
    const { alice, bob, transport } = await couple();
    await bob.client.close();
    const trusting = await start('bob', { transport, stores: bob.home, trust: { issuers: [alice.client.did] } });
    const options = { to: trusting.client.did, tools: { act: { x: any() } } };
    const run = (capability: string) => trusting.client.guard({ capability }).run({ tool: 'act', input: { x: 1 } }, async () => 'done');
    const before = await alice.client.grant(options);
    const unused = await alice.client.grant(options);
    const running = trusting.client.guard({ capability: before });
    expect(await running.run({ tool: 'act', input: { x: 1 } }, async () => 'done')).toMatchObject({ value: 'done' });
    await alice.client.rotate();
    await trusting.client.bundle();
    await expect.poll(() => trusting.told.length, { timeout: 20_000 }).toBe(1);
    // What was admitted before has ended; what was not finds no key.
    expect(await run(before)).toMatchObject({ refusal: { code: 'REVOKED' } });
    expect(await run(unused)).toMatchObject({ refusal: { code: 'KEY_UNRESOLVED' } });
    expect(await running.run({ tool: 'act', input: { x: 1 } }, async () => 'done')).toMatchObject({ refusal: { code: 'REVOKED' } });
    const after = await alice.client.grant(options);
    expect(await run(after)).toMatchObject({ value: 'done' });
    await trusting.client.rotate();
    expect(await run(after)).toMatchObject({ refusal: { code: 'POP_BAD' } });
    await Promise.all([alice.client.close(), trusting.client.close()]);
  });
});

/** Ends after so many saves: what comes then never happened. */
function dyingKeys(keys: KeyStore, saves: number): KeyStore {
  let left = saves;
  return {
    load: (record) => keys.load(record),
    save: async (record, secret, expected) => {
      if (left-- <= 0) throw new Error('the process ended here');
      await keys.save(record, secret, expected);
    },
  };
}

describe('a right that is passed on', () => {
  it('[KEY-DELEGATE] counts in the process of a holder that has rotated its key, and is passed on by one that has', async () => {
    const transport = memoryTransport();
    const owner = await start('owner', { transport });
    const trust = { issuers: [owner.client.did] };
    const [boss, worker] = [await start('boss', { transport, trust }), await start('worker', { transport, trust })];
    await boss.client.rotate();
    await worker.client.rotate();
    const everyone = [owner, boss, worker].map(({ client }) => client);
    // Each knows the signed history of the others.
    for (const client of everyone) for (const other of everyone) if (other !== client) await client.pin(await other.card());
    const granted = await owner.client.grant({ to: boss.client.did, tools: { act: { x: any() } }, delegate: 1 });
    const passed = await boss.client.delegate(granted, { to: worker.client.did, tools: { act: { x: any() } } });
    const run = (client: TalosClient) => client.guard({ capability: passed }).run({ tool: 'act', input: { x: 1 } }, async () => 'done');
    expect(await run(worker.client)).toMatchObject({ value: 'done' });
    expect(await run(boss.client)).toMatchObject({ status: 'denied' });
    // Who never heard of the worker's rotation binds the right to the key that was given up: it is of no use.
    const stranger = await start('stranger', { transport, trust });
    const own = await owner.client.grant({ to: stranger.client.did, tools: { act: { x: any() } }, delegate: 1 });
    const stale = await stranger.client.delegate(own, { to: worker.client.did, tools: { act: { x: any() } } });
    expect(await worker.client.guard({ capability: stale }).run({ tool: 'act', input: { x: 1 } }, async () => 'done')).toMatchObject({ status: 'denied' });
    await Promise.all([...everyone, stranger.client].map((client) => client.close()));
  });
});

describe('a crash in a rotation', () => {
  it.each([0, 1, 2, 3])('[KEY-CRASH] after %d saves: the old key is in force or the new one, and the next rotation does not contradict it', async (saves) => {
    const transport = memoryTransport();
    const home = memoryHome();
    const first = await start('alice', { transport, stores: home });
    const { did } = first.client;
    await first.client.close();
    const dying = await TalosClient.create('alice', { transport, stores: { ...home, keys: dyingKeys(home.keys, saves) } });
    const outcome = await code(dying.rotate());
    expect(outcome).toBe(saves < 3 ? undefined : 'no error');
    const sequence = async () => {
      const { client } = await start('alice', { transport, stores: home });
      expect(client.did).toBe(did);
      const state = verifyKeyHistory(client.history);
      const { history } = client;
      await client.close();
      return { sequence: state.sequence, history };
    };
    const left = await sequence();
    expect(left.sequence).toBe(saves < 2 ? 0 : 1);
    const again = await start('alice', { transport, stores: home });
    await again.client.rotate();
    await again.client.close();
    const right = await sequence();
    expect(right.sequence).toBe(left.sequence + 1);
    expect(right.history.slice(0, left.history.length)).toEqual(left.history);
  });

  it('[KEY-CRASH] [KEY-REVOKED] who ends the identity after it has ended it, and not carried out the rotation that was left', async () => {
    const transport = memoryTransport();
    const home = memoryHome();
    await (await start('alice', { transport, stores: home })).client.close();
    const dying = await TalosClient.create('alice', { transport, stores: { ...home, keys: dyingKeys(home.keys, 1) } });
    expect(await code(dying.rotate())).toBeUndefined();
    const again = await start('alice', { transport, stores: home });
    const state = verifyKeyHistory(await again.client.revokeIdentity());
    expect(state).toMatchObject({ sequence: 2, revoked: true });
    expect(await code(TalosClient.create('alice', { transport, stores: home }))).toBe('TALOS_IDENTITY_REVOKED');
  });

  it('[KEY-CRASH] [KEY-REVOKED] a rotation that finds the end of the identity left says so', async () => {
    const transport = memoryTransport();
    const home = memoryHome();
    await (await start('alice', { transport, stores: home })).client.close();
    const dying = await TalosClient.create('alice', { transport, stores: { ...home, keys: dyingKeys(home.keys, 1) } });
    await dying.bundle();
    expect(await code(dying.revokeIdentity())).toBeUndefined();
    const again = await start('alice', { transport, stores: home });
    expect(await code(again.client.rotate())).toBe('TALOS_IDENTITY_REVOKED');
    await again.client.close();
  });

  it('[KEY-CRASH] two clients of one home that rotate at once make one event of each sequence', async () => {
    const transport = memoryTransport();
    const home = memoryHome();
    const clients = await Promise.all([1, 2, 3].map(() => TalosClient.create('alice', { transport, stores: home }).catch(() => undefined)));
    const open = clients.filter((client) => client !== undefined);
    await Promise.allSettled(open.map((client) => client.rotate()));
    const histories = open.map(({ history }) => history);
    for (const history of histories) for (const [i, event] of history.entries()) expect(histories[0]?.[i]?.event ?? event.event).toBe(event.event);
    await Promise.all(open.map((client) => client.close()));
  });

  it('[KEY-CRASH] a peer that was not told before the crash is told at the next start', async () => {
    const { alice, bob, transport } = await couple();
    // The rotation is durable and the process ends before a word is said.
    await bob.client.close();
    await alice.client.close();
    const { rotateRecord } = await import('../../src/client/key-life.ts');
    await rotateRecord({ name: 'alice', keys: alice.home.keys, env: systemEnv, reason: '' });
    const back = await start('alice', { transport, stores: alice.home });
    const there = await start('bob', { transport, stores: bob.home });
    await Promise.all([back.client.bundle(), there.client.bundle()]);
    await expect.poll(() => there.told, { timeout: 20_000 }).toEqual([{ did: alice.client.did, change: 'key' }]);
    await Promise.all([back.client.close(), there.client.close()]);
  });
});
