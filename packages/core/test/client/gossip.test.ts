import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { memoryKnownHeads } from '../../src/audit/known-heads.ts';
import { parseEquivocation, verifyEquivocation } from '../../src/audit/equivocation.ts';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { checkpointGossip, type PeerCheckpoint } from '../../src/client/checkpoint-gossip.ts';
import { logOrigin, memoryHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { systemEnv, type Env } from '../../src/env/env.ts';
import type { AgentId } from '../../src/identity/agent-id.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import { sqliteKnownHeads } from '../../src/node/sqlite-known-heads.ts';
import { caught, testSigner } from '../audit/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-gossip-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [alice, bob] = ['did:key:alice', 'did:key:bob'] as unknown as [AgentId, AgentId];
const openHere = (origin: string): Promise<AuditLog> => openAuditLog({ store: memoryAuditStore(), signer: testSigner(), origin, env: systemEnv });

/** Each minute of this clock passes at once. */
function clock(): Env {
  let now = 0;
  return { ...systemEnv, monotonic: () => (now += 60_000) };
}

describe('gossip', () => {
  it('[AUDIT-GOSSIP] peers follow each other’s log, each proof from what the other holds', async () => {
    const [a, b] = [await openHere('a.example'), await openHere('b.example')];
    const seen: PeerCheckpoint[] = [];
    const heads = memoryKnownHeads();
    const [ofA, ofB] = [
      checkpointGossip(a, clock(), { heads: memoryKnownHeads() }),
      checkpointGossip(b, clock(), { heads, onCheckpoint: (each) => seen.push(each) }),
    ];
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 5; n++) await a.append({ type: 'config', n });
      await ofB.receive(alice, (await ofA.next(bob)) as Uint8Array);
      await b.append({ type: 'config' });
      await ofA.receive(bob, (await ofB.next(alice)) as Uint8Array);
    }
    expect(seen.map(({ status, peer }) => `${peer} ${status}`)).toEqual([`${alice} first`, `${alice} advanced`, `${alice} advanced`]);
    expect(await heads.load('a.example')).toBe(await a.checkpoint());
  });

  it('[AUDIT-GOSSIP] a log that shows a peer another history than before is found out, with a file that proves it', async () => {
    const [a, fork] = [await openHere('a.example'), await openHere('a.example')];
    for (let n = 0; n < 5; n++) await a.append({ type: 'config', n });
    for (let n = 0; n < 9; n++) await fork.append({ type: 'config', n });
    const seen: PeerCheckpoint[] = [];
    const path = join(folder, 'known.db');
    const b = await openHere('b.example');
    const first = sqliteKnownHeads(path);
    const before = checkpointGossip(b, clock(), { heads: first, onCheckpoint: (each) => seen.push(each) });
    await before.receive(alice, (await checkpointGossip(a, clock(), { heads: memoryKnownHeads() }).next(bob)) as Uint8Array);
    first.close();
    // Another process, later: what was seen is on disk.
    const again = sqliteKnownHeads(path);
    const after = checkpointGossip(b, clock(), { heads: again, onCheckpoint: (each) => seen.push(each) });
    const liar = checkpointGossip(fork, clock(), { heads: memoryKnownHeads() });
    await after.receive(alice, (await liar.next(bob)) as Uint8Array);
    await liar.receive(bob, (await after.next(alice)) as Uint8Array);
    await fork.append({ type: 'config' });
    await after.receive(alice, (await liar.next(bob)) as Uint8Array);
    expect(seen.map(({ status }) => status)).toEqual(['first', 'unproven', 'forked']);
    const last = seen[2] as PeerCheckpoint;
    if (last.status !== 'forked') throw new Error('not forked');
    expect(verifyEquivocation(parseEquivocation(last.equivocation), a.verifierKey)).toMatchObject({ older: { size: 6 }, newer: { size: 11 } });
    expect(await caught(() => again.replace({ origin: 'a.example', expected: undefined, note: 'x' }))).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
    again.close();
  });

  it('[AUDIT-GOSSIP] no more than one a minute is told, and what is malformed is refused with a code', async () => {
    const a = await openHere('a.example');
    let now = 0;
    const gossip = checkpointGossip(a, { ...systemEnv, monotonic: () => now }, { heads: memoryKnownHeads() });
    const told = (await gossip.next(bob)) as Uint8Array;
    await a.append({ type: 'config' });
    expect(await gossip.next(bob)).toBeUndefined();
    now = 60_000;
    expect(await gossip.next(bob)).toBeDefined();
    for (let length = 0; length < told.length; length++) expect(await caught(() => gossip.receive(bob, told.subarray(0, length)))).toHaveProperty('code');
    expect(await caught(() => gossip.receive(bob, Buffer.concat([told, Buffer.alloc(1)])))).toMatchObject({ code: 'TALOS_ENCODING_BYTES' });
  });

  it('[AUDIT-GOSSIP] nobody takes the name of another’s log before it is heard of, or fills the store with logs', async () => {
    const signer = testSigner(9);
    const [a, taken] = [
      await openAuditLog({ store: memoryAuditStore(), signer, origin: logOrigin(signer), env: systemEnv }),
      await openHere(logOrigin(signer)),
    ];
    const heads = memoryKnownHeads();
    const gossip = checkpointGossip(await openHere('b.example'), clock(), { heads });
    const tellOf = async (log: AuditLog) => (await checkpointGossip(log, clock(), { heads: memoryKnownHeads() }).next(bob)) as Uint8Array;
    const mallory = 'did:key:mallory' as unknown as AgentId;
    const of = await tellOf(taken);
    expect(await caught(() => gossip.receive(mallory, of))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    await gossip.receive(alice, await tellOf(a));
    expect(await heads.load(a.origin)).toBe(await a.checkpoint());
    const [one, two] = [await tellOf(await openHere('one.example')), await tellOf(await openHere('two.example'))];
    await gossip.receive(mallory, one);
    expect(await caught(() => gossip.receive(mallory, two))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    expect(await heads.load('two.example')).toBeUndefined();
  });

  it('[AUDIT-GOSSIP] it travels sealed behind a message of two clients, and nobody’s handler sees it', async () => {
    const transport = memoryTransport();
    const heads = memoryKnownHeads();
    let saw: (seen: PeerCheckpoint) => void = () => undefined;
    const arrived = new Promise<PeerCheckpoint>((resolve) => (saw = resolve));
    const sender = await TalosClient.create('sender', { stores: memoryHome(), transport, gossip: { heads: memoryKnownHeads() } });
    const receiver = await TalosClient.create('receiver', { stores: memoryHome(), transport, gossip: { heads, onCheckpoint: (seen) => saw(seen) } });
    const messages: unknown[] = [];
    receiver.on('message', (message) => void messages.push(message.content));
    await sender.establishSession(receiver.did, await receiver.bundle());
    await sender.send(receiver.did, 'hello');
    expect(await arrived).toMatchObject({ status: 'first', peer: sender.did, checkpoint: { origin: sender.log.origin } });
    expect(await heads.load(sender.log.origin)).toContain(sender.log.origin);
    expect(messages).toEqual(['hello']);
    await sender.close();
    await receiver.close();
    expect(await caught(() => TalosClient.create('x', { gossip: {} as never }))).toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
  });
});
