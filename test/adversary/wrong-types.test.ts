/** Every public door that takes data from strangers, knocked at with values that no type allows. */
import { any, TalosClient } from '@talosprotocol/core';
import * as audit from '@talosprotocol/core/audit';
import { admit, authorize } from '@talosprotocol/core/capability';
import * as identity from '@talosprotocol/core/identity';
import * as session from '@talosprotocol/core/session';
import { describe, expect, it } from 'vitest';

const values: readonly unknown[] = [
  undefined, null, true, 0, -1, 1.5, Number.NaN, 1n, -1n, 2n ** 64n, '', 'x', '\ud800', {}, [], [[]], new Map(), new Date(), Symbol('x'), () => 1, Object.create(null),
  new Uint8Array(0), new Uint8Array(31), new Uint8Array(32), new Uint8Array(2_000_000), new Uint16Array(16), new ArrayBuffer(32),
]; // prettier-ignore

type Door = (value: never, other: never) => unknown;
const hash = new Uint8Array(32);

const doors: Record<string, Door> = {
  verifyInclusion: audit.verifyInclusion as Door,
  'verifyInclusion, members': (value, other) => audit.verifyInclusion({ leafHash: value, index: other, size: value, root: other, proof: value }),
  'verifyInclusion, proof': (value, other) => audit.verifyInclusion({ leafHash: hash, index: other, size: 8, root: hash, proof: [value] }),
  verifyConsistency: audit.verifyConsistency as Door,
  'verifyConsistency, members': (value, other) => audit.verifyConsistency({ oldSize: value, oldRoot: hash, newSize: other, newRoot: hash, proof: other }),
  verifyCommitment: audit.verifyCommitment as Door,
  'verifyCommitment, members': (value, other) => audit.verifyCommitment({ field: value, salt: other, payload: value, commitment: other }),
  verifyEntryProof: audit.verifyEntryProof as Door,
  verifyRange: audit.verifyRange as Door,
  'verifyRange, members': (value, other) => audit.verifyRange({ start: value, end: other, size: 1, proof: value, entries: other, checkpoint: value }, other),
  parseTilePath: audit.parseTilePath as Door,
  decodeTile: audit.decodeTile as Door,
  decodeEntryBundle: audit.decodeEntryBundle as Door,
  parseNote: audit.parseNote as Door,
  parseCheckpoint: audit.parseCheckpoint as Door,
  verifyCheckpoint: audit.verifyCheckpoint as Door,
  parseProof: audit.parseProof as Door,
  parseEntry: audit.parseEntry as Door,
  parseVerifierKey: audit.parseVerifierKey as Door,
  parseAgentId: identity.parseAgentId as Door,
  verifyKeyHistory: identity.verifyKeyHistory as Door,
  decodeIdentitySecrets: identity.decodeIdentitySecrets as Door,
  decodeFrame: session.decodeFrame as Door,
  decodeOpening: session.decodeOpening as Door,
  hashFrame: session.hashFrame as Door,
};

/** A proxy of coded errors only: whatever else comes out is a fault. */
async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'no error';
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    return typeof code === 'string' && code.startsWith('TALOS_') ? 'coded' : `uncoded: ${String(error)}`;
  }
}

describe('doors', () => {
  it.each(Object.entries(doors))('[DOOR-TYPES] %s', async (_, door) => {
    for (const value of values) {
      for (const other of values) expect(await codeOf(() => door(value as never, other as never))).not.toMatch(/^uncoded/);
    }
  });

  it('[DOOR-TYPES] a client', async () => {
    const client = await TalosClient.create('agent');
    for (const value of values as readonly never[]) {
      const acts: readonly (() => unknown)[] = [
        () => TalosClient.create(value),
        () => TalosClient.create('x', value ?? 7),
        () => TalosClient.create('x', { stores: value ?? 7 }),
        () => TalosClient.create('x', { trust: { issuers: value } }),
        () => client.grant(value),
        () => client.grant({ to: value, tools: {} }),
        () => client.grant({ to: client.did, tools: { read: value } }),
        () => client.grant({ to: client.did, tools: { read: { path: value } } }),
        () => client.guard(value),
        () => client.establishSession(client.did, value),
        () => client.send(client.did, value),
        () => client.on('message', value),
        () => client.getMerkleProof(value),
        () => client.verifyProof(value),
        () => client.log.entry(value),
        () => client.log.proveInclusion(value),
        () => client.log.proveConsistency(value, value),
      ];
      for (const act of acts) expect(await codeOf(act)).not.toMatch(/^uncoded/);
    }
    await client.close();
  });

  it('[DOOR-TYPES] a guard refuses, and runs nothing', async () => {
    const client = await TalosClient.create('agent');
    const capability = await client.grant({ to: client.did, tools: { read: { path: any() } } });
    let ran = 0;
    for (const value of values as readonly never[]) {
      for (const token of [value, capability]) {
        const guard = client.guard({ capability: token });
        const call = token === capability ? { tool: value, input: { path: 'x' } } : { tool: 'read', input: { path: 'x' } };
        expect(await guard.run(call, () => (ran += 1))).toMatchObject({ status: 'denied' });
        expect(await guard.check(call)).toMatchObject({ allowed: false });
      }
      expect(await codeOf(() => client.guard({ capability }).run(value, () => (ran += 1)))).not.toMatch(/^uncoded/);
      const admission = await admit(value, { trust: { issuers: [client.did] }, audience: 'x', holder: value, env: value });
      expect(admission.denied).toBeDefined();
      expect(authorize(value, { tool: 'read', input: value }).denied).toBeDefined();
    }
    expect(ran).toBe(0);
    await client.close();
  });
});
