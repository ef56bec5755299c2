import { afterEach, describe, expect, it } from 'vitest';
import { TalosClient } from '@talosprotocol/core';
import { signIdentityCard } from '@talosprotocol/core/identity';
import { readBundleSigner, verifyPrekeyBundle } from '@talosprotocol/core/session';
import { webSocketTransport } from '@talosprotocol/core/web';
import { RawClient } from './raw-client.ts';
import { agentAt, bundleMaker, closeAll, codeOf, newIdentity, onClose, relayHere, tappedRelay, until, type Agent } from './support.ts';

afterEach(closeAll);

async function publisher(url: string, pairs: number): Promise<Agent & { readonly bundles: readonly Uint8Array[] }> {
  const agent = await agentAt(url);
  const maker = await bundleMaker(agent.identity);
  const bundles = [await maker.bundle({ oneTime: false })];
  for (let i = 0; i < pairs; i++) bundles.push(await maker.bundle());
  await agent.transport.directory?.publishBundles(bundles);
  return { ...agent, bundles };
}

const hasPair = ({ identity }: Agent, bundle: Uint8Array) =>
  verifyPrekeyBundle(bundle, { expectedDid: identity.did, identityKey: identity.signer.publicKey, now: Date.now() }).oneTimePair !== undefined;

const published = ({ transport }: Agent) => transport.directory!;

describe('bundle directory', () => {
  it('[RLY-DIRECTORY] a bundle with a one-time pair is given once, then the one without, also to many at a time', async () => {
    const { url } = await relayHere();
    const owner = await publisher(url, 4);
    expect(await published(owner).countPrekeys()).toBe(4);
    const peers = await Promise.all(Array.from({ length: 7 }, () => agentAt(url)));
    const given = await Promise.all(peers.map((peer) => published(peer).fetchBundle(owner.did)));
    const withPair = given.filter((bundle) => hasPair(owner, bundle)).map((bundle) => Buffer.from(bundle).toString('hex'));
    expect(withPair).toHaveLength(4);
    expect(new Set(withPair).size).toBe(4);
    expect(await published(owner).countPrekeys()).toBe(0);
  });

  it('[RLY-CARD] a peer that is known by its DID alone, and has rotated, is met through its card', async () => {
    const { url } = await relayHere();
    const transport = webSocketTransport({ relays: url });
    const [alice, bob] = [await TalosClient.create('alice', { transport }), await TalosClient.create('bob', { transport })];
    onClose(() => Promise.all([alice.close(), bob.close()]));
    const heard: unknown[] = [];
    alice.on('message', ({ content }) => void heard.push(content));
    await alice.bundle();
    await alice.rotate();
    const reader = await agentAt(url);
    // Slower than the relay lets a requester ask.
    const patiently = async (ask: () => Promise<unknown>) => {
      while ((await codeOf(ask())) !== 'no error') await new Promise((resolve) => setTimeout(resolve, 200));
    };
    await patiently(() => published(reader).fetchCard!(alice.did));
    await patiently(() => bob.connect(alice.did));
    await bob.send(alice.did, 'found you');
    await until(() => heard.includes('found you'));
    expect(await bob.fingerprint(alice.did)).toBe(await alice.fingerprint(bob.did));
  });

  it('[RLY-CARD] only its owner publishes a card, and an older one replaces no newer', async () => {
    const { url } = await relayHere();
    const [owner, thief] = [await agentAt(url), await agentAt(url)];
    const log = { origin: 'o', verifierKey: 'k' };
    const card = (issuedAt: number, name: string) => signIdentityCard({ name, endpoints: [url], log, issuedAt }, owner.identity);
    const [older, newer] = [await card(Date.now() - 1000, 'older'), await card(Date.now(), 'newer')];
    expect(await codeOf(published(thief).publishCard!(newer))).toBe('TALOS_TRANSPORT_REFUSED');
    expect(await codeOf(published(owner).publishCard!(newer.replace('newer', 'nawer')))).toBe('TALOS_TRANSPORT_REFUSED');
    expect(await codeOf(published(thief).fetchCard!(owner.did))).toBe('TALOS_TRANSPORT_NO_BUNDLE');
    await published(owner).publishCard!(newer);
    await published(owner).publishCard!(older);
    expect(await published(thief).fetchCard!(owner.did)).toBe(newer);
  });

  it('[RLY-ENDPOINTS] agents at different relays reach each other by the relays that their cards name', async () => {
    const [one, two] = [await relayHere(), await relayHere()];
    const alice = await TalosClient.create('alice', { transport: webSocketTransport({ relays: one.url }) });
    const bob = await TalosClient.create('bob', { transport: webSocketTransport({ relays: two.url }) });
    onClose(() => Promise.all([alice.close(), bob.close()]));
    const heard: unknown[] = [];
    for (const client of [alice, bob]) client.on('message', ({ content }) => void heard.push(content));
    await alice.pin(await bob.card({ endpoints: ['wss://127.0.0.1:1', two.url] }));
    await bob.pin(await alice.card({ endpoints: [one.url] }));
    await alice.establishSession(bob.did, await bob.bundle());
    await alice.send(bob.did, 'over two');
    await until(() => heard.includes('over two'));
    await bob.send(alice.did, 'over one');
    await until(() => heard.includes('over one'));
    expect(heard).toEqual(['over two', 'over one']);
  });

  it('[RLY-DIRECTORY-OWNER] only its owner publishes a bundle, under its own key', async () => {
    const { url } = await relayHere();
    const [owner, thief] = [await publisher(url, 1), await agentAt(url)];
    const forged = await (await bundleMaker({ ...owner.identity, signer: thief.identity.signer })).bundle();
    for (const bundle of [owner.bundles[0]!, forged, new Uint8Array(100)])
      expect(await codeOf(published(thief).publishBundles([bundle]))).toBe('TALOS_TRANSPORT_REFUSED');
    const flipped = Uint8Array.from(owner.bundles[1]!);
    flipped[500]! ^= 1;
    expect(await codeOf(published(owner).publishBundles([flipped]))).toBe('TALOS_TRANSPORT_REFUSED');
    const good = await (await bundleMaker(owner.identity)).bundle();
    expect(await codeOf(published(owner).publishBundles([good, flipped]))).toBe('TALOS_TRANSPORT_REFUSED');
    expect(await published(owner).countPrekeys()).toBe(1);
  });

  it('[RLY-DIRECTORY-RATE] a requester gets few pairs of one agent, and is told when it asks too often', async () => {
    const { url } = await relayHere();
    const owner = await publisher(url, 6);
    const drain = await agentAt(url);
    const given: boolean[] = [];
    for (let i = 0; i < 5; i++) given.push(hasPair(owner, await published(drain).fetchBundle(owner.did)));
    expect(given).toEqual([true, true, true, false, false]);
    expect(await published(owner).countPrekeys()).toBe(3);
    const asked = await Promise.all(Array.from({ length: 40 }, () => codeOf(published(drain).fetchBundle(owner.did))));
    expect(asked).toContain('TALOS_TRANSPORT_REFUSED');
    await expect(published(drain).fetchBundle(owner.did)).rejects.toMatchObject({ retryable: true });
  });

  it('[RLY-DIRECTORY-RATE] an owner that publishes without end is told to wait', async () => {
    const owner = await publisher((await relayHere()).url, 0);
    const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(published(owner).publishBundles(owner.bundles))));
    expect(codes.filter((code) => code === 'no error')).toHaveLength(7);
    expect(codes.at(-1)).toBe('TALOS_TRANSPORT_REFUSED');
  });

  it('[RLY-DIRECTORY-LOW] the owner hears when its pairs run low, at once and when it connects', async () => {
    const { url } = await relayHere();
    const owner = await publisher(url, 26);
    const [lows, later]: [number[], number[]] = [[], []];
    owner.transport.directory?.onLow(({ left }) => void lows.push(left));
    const peer = await agentAt(url);
    await published(peer).fetchBundle(owner.did);
    await until(() => lows.includes(25));
    const again = await agentAt(url, { identity: owner.identity });
    again.transport.directory?.onLow(({ left }) => void later.push(left));
    await published(again).countPrekeys();
    expect(later).toEqual([25]);
  });

  it('[RLY-DIRECTORY] an agent that published nothing is not found', async () => {
    const { url } = await relayHere();
    expect(await codeOf(published(await agentAt(url)).fetchBundle((await newIdentity()).did))).toBe('TALOS_TRANSPORT_NO_BUNDLE');
  });

  it('[CLIENT-CONNECT] two clients meet by DID alone, and nothing that was said is in the relay’s database or on the wire', async () => {
    const { url, path, heard } = await tappedRelay();
    const transport = webSocketTransport({ relays: url });
    const [alice, bob] = [await TalosClient.create('alice', { transport }), await TalosClient.create('bob', { transport })];
    onClose(() => Promise.all([alice.close(), bob.close()]));
    const inbox: unknown[] = [];
    bob.on('message', ({ content }) => void inbox.push(content));
    await bob.bundle();
    await until(async () => (await codeOf(alice.connect(bob.did))) === 'no error');
    const secret = 'the launch code is 0000-4711-plaintext';
    await Promise.all([alice.connect(bob.did), alice.connect(bob.did)]);
    for (let i = 0; i < 10; i++) await alice.send(bob.did, `${secret} ${i}`);
    await until(() => inbox.length === 10);
    expect(inbox).toEqual(Array.from({ length: 10 }, (_, i) => `${secret} ${i}`));
    const { readFileSync, readdirSync } = await import('node:fs');
    const { dirname, join } = await import('node:path');
    const stored = readdirSync(dirname(path)).map((name) => readFileSync(join(dirname(path), name)));
    const seen = Buffer.concat([heard(), ...stored]);
    expect(seen.length).toBeGreaterThan(100_000);
    expect(seen.includes(bob.did)).toBe(true);
    for (const text of ['launch code', '4711-plaintext', 'plaintext']) expect(seen.includes(text)).toBe(false);
  });

  it('[CLIENT-CONNECT] what the directory gives is not trusted: another agent’s bundle is refused', async () => {
    const { url } = await relayHere();
    const [owner, other] = [await publisher(url, 1), await newIdentity()];
    expect(readBundleSigner(owner.bundles[0]!).did).toBe(owner.did);
    const swapping = () => ({
      send: async () => undefined,
      receive: async () => ({ close: async () => undefined }),
      directory: {
        publishBundles: async () => undefined,
        fetchBundle: async () => owner.bundles[0]!,
        countPrekeys: async () => 0,
        onLow: () => () => undefined,
      },
    });
    const client = await TalosClient.create('careful', { transport: swapping });
    onClose(() => client.close());
    expect(await codeOf(client.connect(other.did))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    const offline = await TalosClient.create('offline');
    onClose(() => offline.close());
    expect(await codeOf(offline.connect(other.did))).toBe('TALOS_USAGE_OPTIONS');
  });

  it('[RLY-DIRECTORY] bundles survive a relay that starts again', async () => {
    const relay = await relayHere();
    const owner = await publisher(relay.url, 2);
    await owner.transport.close?.();
    await relay.close();
    const again = await relayHere({ path: relay.path });
    const client = await new RawClient(again.url).authenticate(owner.identity);
    client.send({ type: 'count', request: 3 });
    expect((await client.next('counted')).left).toBe(2);
  });
});
