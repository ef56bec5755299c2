import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemEnv, type Env } from '@talosprotocol/core';
import { generateIdentitySecrets, restoreIdentity, rotateIdentitySecrets, type Identity } from '@talosprotocol/core/identity';
import { relayOrigin, signRelayProof, verifyRelayProof } from '@talosprotocol/core/web';
import { RelayDatabase } from '../src/relay-database.ts';
import { RawClient } from './raw-client.ts';
import { bundleMaker, closeAll, newIdentity, relayHere, temporaryFolder } from './support.ts';

afterEach(closeAll);

async function proofAt(client: RawClient, identity: Identity, change: { readonly origin?: string } = {}) {
  const challenge = await client.challenge();
  return signRelayProof({ ...challenge, origin: relayOrigin(client.socket.url), ...change }, identity);
}

async function refusedAs(client: RawClient): Promise<string> {
  const { request, reason } = await client.next('refused');
  expect(request).toBe(0);
  expect(await client.closed()).toBe(1008);
  return reason;
}

describe('proof of the DID', () => {
  it('[RLY-AUTH] nothing but a proof is taken before the proof', async () => {
    const { url } = await relayHere();
    const { did } = await newIdentity();
    for (const message of [
      { type: 'count', request: 1 },
      { type: 'receive', subscription: 1 },
      { type: 'fetch', request: 1, did },
    ] as const) {
      const client = new RawClient(url);
      await client.challenge();
      client.send(message);
      expect(await refusedAs(client)).toBe('unauthenticated');
    }
  });

  it('[RLY-AUTH] a signature by another key, or over another DID, proves nothing', async () => {
    const { url } = await relayHere();
    const [mine, victim] = [await newIdentity(), await newIdentity()];
    const client = new RawClient(url);
    client.send({ type: 'authenticate', ...(await proofAt(client, mine)), did: victim.did });
    expect(await refusedAs(client)).toBe('unauthenticated');
    const other = new RawClient(url);
    other.send({ type: 'authenticate', ...(await proofAt(other, { ...victim, signer: mine.signer })) });
    expect(await refusedAs(other)).toBe('unauthenticated');
  });

  it('[RLY-AUTH] the key history of another agent proves nothing', async () => {
    const { url } = await relayHere();
    const [victim, mine] = [await newIdentity(), await restoreIdentity(await rotateIdentitySecrets(await generateIdentitySecrets(systemEnv), systemEnv))];
    const client = new RawClient(url);
    client.send({ type: 'authenticate', ...(await proofAt(client, { ...mine, did: victim.did })) });
    expect(await refusedAs(client)).toBe('unauthenticated');
  });

  it('[RLY-AUTH-REPLAY] the answer to one challenge is refused on another connection, and a second time on its own', async () => {
    // The clock stands still: the nonce alone has to tell the connections apart.
    const now = Date.now();
    const { url } = await relayHere({ env: { ...systemEnv, now: () => now } });
    const identity = await newIdentity();
    const client = new RawClient(url);
    const proof = await proofAt(client, identity);
    client.send({ type: 'authenticate', ...proof });
    await client.next('welcome');
    const thief = new RawClient(url);
    await thief.challenge();
    thief.send({ type: 'authenticate', ...proof });
    expect(await refusedAs(thief)).toBe('unauthenticated');
    client.send({ type: 'authenticate', ...proof });
    expect(await refusedAs(client)).toBe('malformed');
  });

  it('[RLY-AUTH-ORIGIN] a proof for another relay is refused: a relay cannot pass on a challenge and take mail elsewhere', async () => {
    const { url } = await relayHere();
    const client = new RawClient(url);
    client.send({ type: 'authenticate', ...(await proofAt(client, await newIdentity(), { origin: 'wss://other.example' })) });
    expect(await refusedAs(client)).toBe('unauthenticated');
  });

  it('[RLY-AUTH-TIME] a proof counts for half a minute, and not for a time that has not come', async () => {
    const identity = await newIdentity();
    const challenge = { origin: 'wss://relay.example', nonce: new Uint8Array(32).fill(7), issuedAt: 1_000_000 };
    const proof = await signRelayProof(challenge, identity);
    const at = (now: number) => () => verifyRelayProof(proof, { challenge, now });
    expect(at(1_030_000)().did).toBe(identity.did);
    expect(at(1_030_001)).toThrow(expect.objectContaining({ code: 'TALOS_TRANSPORT_REFUSED' }));
    expect(at(999_999)).toThrow(expect.objectContaining({ code: 'TALOS_TRANSPORT_REFUSED' }));
    for (const other of [{ nonce: new Uint8Array(32).fill(8) }, { issuedAt: 1_000_001 }, { origin: 'wss://relay.example:444' }])
      expect(() => verifyRelayProof(proof, { challenge: { ...challenge, ...other }, now: 1_000_002 })).toThrow();
  });

  it('[RLY-AUTH-TIME] a connection that proves nothing ends', async () => {
    const timers: { readonly delayMs: number; readonly run: () => void }[] = [];
    const env: Env = { ...systemEnv, after: (delayMs, run) => (timers.push({ delayMs, run }), () => undefined) };
    const { url } = await relayHere({ env });
    const client = new RawClient(url);
    await client.challenge();
    timers.find(({ delayMs }) => delayMs === 15_000)?.run();
    expect(await refusedAs(client)).toBe('unauthenticated');
    const relayTimer = timers.length;
    expect(relayTimer).toBeGreaterThan(1);
  });

  it('[RLY-AUTH-HISTORY] after a rotation the new key speaks, and the one that was given up does not, nor do its connections and bundles', async () => {
    const { url } = await relayHere();
    const secrets = await generateIdentitySecrets(systemEnv);
    const [before, after] = [await restoreIdentity(secrets), await restoreIdentity(await rotateIdentitySecrets(secrets, systemEnv))];
    const old = await new RawClient(url).authenticate(before);
    old.send({ type: 'publish', request: 1, bundles: [await (await bundleMaker(before)).bundle()] });
    await old.next('done');
    const renewed = await new RawClient(url).authenticate(after);
    expect(await refusedAs(old)).toBe('unauthenticated');
    renewed.send({ type: 'count', request: 2 });
    expect(await renewed.next('counted')).toEqual({ type: 'counted', request: 2, left: 0 });
    const thief = new RawClient(url);
    thief.send({ type: 'authenticate', ...(await proofAt(thief, before)) });
    expect(await refusedAs(thief)).toBe('unauthenticated');
  });

  it('[RLY-AUTH-HISTORY] a history that contradicts the known one is refused', async () => {
    const { url } = await relayHere();
    const secrets = await generateIdentitySecrets(systemEnv);
    const [one, other] = [await rotateIdentitySecrets(secrets, systemEnv, 'one'), await rotateIdentitySecrets(secrets, systemEnv, 'other')];
    await new RawClient(url).authenticate(await restoreIdentity(one));
    const forked = new RawClient(url);
    forked.send({ type: 'authenticate', ...(await proofAt(forked, await restoreIdentity(other))) });
    expect(await refusedAs(forked)).toBe('unauthenticated');
  });

  it('[RLY-AUTH-HISTORY] of a history only its end is kept, and what an earlier version kept whole counts as before', async () => {
    const path = join(temporaryFolder(), 'relay.db');
    const secrets = await generateIdentitySecrets(systemEnv);
    const rotated = await rotateIdentitySecrets(secrets, systemEnv);
    const [first, second, third] = [
      await restoreIdentity(secrets),
      await restoreIdentity(rotated),
      await restoreIdentity(await rotateIdentitySecrets(rotated, systemEnv)),
    ];
    const kept = new RelayDatabase(path, 2 ** 24);
    kept.transaction(() => kept.saveHistory(kept.agent(second.did), new TextEncoder().encode(JSON.stringify(second.history))));
    kept.close();
    const relay = await relayHere({ path });
    const old = new RawClient(relay.url);
    old.send({ type: 'authenticate', ...(await proofAt(old, first)) });
    expect(await refusedAs(old)).toBe('unauthenticated');
    await new RawClient(relay.url).authenticate(second);
    await new RawClient(relay.url).authenticate(third);
    await new RawClient(relay.url).authenticate(third);
    for (const given of [first, second]) {
      const thief = new RawClient(relay.url);
      thief.send({ type: 'authenticate', ...(await proofAt(thief, given)) });
      expect(await refusedAs(thief)).toBe('unauthenticated');
    }
    await relay.close();
    const database = new RelayDatabase(path, 2 ** 24);
    expect(database.history(third.did).length).toBeLessThan(100);
    database.close();
  });

  it('[RLY-WIRE] a connection without the subprotocol is not served', async () => {
    const { url } = await relayHere();
    const page = new RawClient(url, 'chat');
    expect(await page.closed()).toBe(1006);
    expect(page.replies).toEqual([]);
    expect((await fetch(url.replace('ws:', 'http:'))).status).toBe(426);
  });
});
