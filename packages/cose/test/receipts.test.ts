import { Sign1 } from '@auth0/cose';
import { systemEnv } from '@talosprotocol/core';
import { generateSigner } from '@talosprotocol/core/identity';
import { receipt as foreignReceipt } from '@transmute/cose';
import { decode, encode } from 'cborg';
import { importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { signConsistencyReceipt, signInclusionReceipt, verifyConsistencyReceipt, verifyInclusionReceipt } from '../src/index.ts';
import { codeOf, logOf, signer } from './support.ts';

const publicKey = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(signer.publicKey.bytes).toString('base64url'), alg: 'EdDSA' });

/** The signature as another library checks it, over a root that it did not compute. */
const foreignVerifier = {
  verify: async ({ coseSign1, payload }: { readonly coseSign1: Uint8Array; readonly payload: Uint8Array }) => {
    await Sign1.decode(new Uint8Array(coseSign1)).verify(publicKey as never, { detachedPayload: new Uint8Array(payload) });
    return payload;
  },
};

async function included(entries: number, index: number) {
  const { log, keys } = await logOf(entries);
  const proof = await log.proveInclusion(index);
  return { log, keys, proof, receipt: await signInclusionReceipt(proof, keys) };
}

describe('a receipt of inclusion', () => {
  it('[COSE-INCLUSION] proves every entry of trees of many sizes', async () => {
    for (const size of [2, 3, 7, 8, 13]) {
      for (let index = 0; index < size; index++) {
        const { receipt, proof, keys } = await included(size, index);
        const verified = verifyInclusionReceipt({ receipt, entry: proof.entry, verifierKey: keys.verifierKey });
        expect(verified).toMatchObject({ origin: 'acme.example/log', index, size });
      }
    }
  });

  it('[COSE-INCLUSION] is read by other implementations: one of receipts, one of COSE signatures', async () => {
    const { receipt, proof, keys } = await included(9, 5);
    const root = await foreignReceipt.inclusion.verify({
      entry: Buffer.from(proof.leafHash),
      receipt: Buffer.from(receipt),
      verifier: foreignVerifier as never,
    } as never);
    const own = verifyInclusionReceipt({ receipt, entry: proof.entry, verifierKey: keys.verifierKey });
    expect(Buffer.from(root as unknown as Uint8Array).equals(Buffer.from(own.root))).toBe(true);
    // What they refuse shows that they looked.
    const other = Buffer.from(proof.leafHash);
    other[0] = (other[0] as number) ^ 1;
    await expect(
      foreignReceipt.inclusion.verify({ entry: other, receipt: Buffer.from(receipt), verifier: foreignVerifier as never } as never),
    ).rejects.toThrow();
  });

  it('[COSE-INCLUSION] has the labels of RFC 9942', async () => {
    const { receipt, keys } = await included(5, 2);
    const [protectedHeader, unprotected, payload, signature] = decode(receipt, {
      useMaps: true,
      tags: { 18: (control: () => unknown) => control() },
    }) as [Uint8Array, Map<number, Map<number, Uint8Array[]>>, null, Uint8Array];
    expect(receipt[0]).toBe(0xd2);
    expect(decode(protectedHeader, { useMaps: true })).toEqual(
      new Map<number | string, unknown>([
        [1, -8],
        [4, Uint8Array.from(Buffer.from(keys.verifierKey.split('+')[1] as string, 'hex'))],
        [15, new Map([[1, 'acme.example/log']])],
        [395, 1],
        ['org.talosprotocol/tree-size', 5],
      ]),
    );
    const [size, index, path] = decode(unprotected.get(396)?.get(-1)?.[0] as Uint8Array) as [number, number, Uint8Array[]];
    expect([size, index, path.length, payload, signature.length]).toEqual([5, 2, 3, null, 64]);
  });

  it('[COSE-ATTACKS] with any byte changed, or cut anywhere, is refused with a code', async () => {
    const { receipt, proof, keys } = await included(6, 3);
    const verify = (bytes: Uint8Array) => codeOf(() => verifyInclusionReceipt({ receipt: bytes, entry: proof.entry, verifierKey: keys.verifierKey }));
    for (let at = 0; at < receipt.length; at++) {
      for (const bit of [0x01, 0x80]) {
        const changed = Uint8Array.from(receipt);
        changed[at] = (changed[at] as number) ^ bit;
        expect(await verify(changed), `byte ${at}`).toMatch(/^TALOS_(ENCODING_BYTES|AUDIT_INCLUSION|CRYPTO_SIGNATURE)$/);
      }
      expect(await verify(receipt.subarray(0, at))).toBe('TALOS_ENCODING_BYTES');
    }
    expect(await verify(new Uint8Array([...receipt, 0]))).toBe('TALOS_ENCODING_BYTES');
    expect(await verify(new Uint8Array(9000))).toBe('TALOS_ENCODING_BYTES');
    expect(await verify('text' as never)).toBe('TALOS_ENCODING_BYTES');
  });

  it('[COSE-ATTACKS] of another entry, another log or another key is refused', async () => {
    const { receipt, proof, log, keys } = await included(6, 3);
    const other = await logOf(6, 'acme.example/other');
    const strange = await logOf(6);
    expect(await codeOf(() => verifyInclusionReceipt({ receipt, entry: Uint8Array.of(1), verifierKey: keys.verifierKey }))).toBe('TALOS_CRYPTO_SIGNATURE');
    expect(await codeOf(() => verifyInclusionReceipt({ receipt, entry: proof.entry, verifierKey: other.keys.verifierKey }))).toBe('TALOS_ENCODING_BYTES');
    const forgery = await signInclusionReceipt(await strange.log.proveInclusion(3), strange.keys);
    expect(verifyInclusionReceipt({ receipt: forgery, entry: (await strange.log.entry(3)).bytes, verifierKey: log.verifierKey }).index).toBe(3);
    const key = generateSigner(systemEnv);
    expect(await codeOf(() => signInclusionReceipt(proof, { ...keys, signer: key }))).toBe('TALOS_USAGE_OPTIONS');
  });

  it('[COSE-ATTACKS] in a form that can be read in two ways is refused', async () => {
    const { receipt, proof, keys } = await included(6, 3);
    const [protectedHeader, unprotected, , signature] = decode(receipt, {
      useMaps: true,
      tags: { 18: (control: () => unknown) => control() },
    }) as [Uint8Array, Map<number, Map<number, Uint8Array[]>>, null, Uint8Array];
    const root = verifyInclusionReceipt({ receipt, entry: proof.entry, verifierKey: keys.verifierKey }).root;
    const [content] = unprotected.get(396)!.get(-1) as [Uint8Array];
    const forged = (members: readonly unknown[]) => Uint8Array.of(0xd2, ...encode(members));
    const underHeader = (entries: readonly (readonly [number, unknown])[]) => forged([encode(new Map(entries)), unprotected, null, signature]);
    const claims = new Map([[1, 'acme.example/log']]);
    const table: Record<string, Uint8Array> = {
      'an attached payload': forged([protectedHeader, unprotected, root, signature]),
      'no tag': encode([protectedHeader, unprotected, null, signature]),
      'another tag': Uint8Array.of(0xd1, ...encode([protectedHeader, unprotected, null, signature])),
      'two proofs': forged([protectedHeader, new Map([[396, new Map([[-1, [content, content]]])]]), null, signature]),
      'no proof': forged([protectedHeader, new Map(), null, signature]),
      'a proof of the other kind': forged([protectedHeader, new Map([[396, new Map([[-2, [content]]])]]), null, signature]),
      'five members': forged([protectedHeader, unprotected, null, signature, 1]),
      'another algorithm': underHeader([
        [1, -7],
        [15, claims],
        [395, 1],
      ]),
      'another tree': underHeader([
        [1, -8],
        [15, claims],
        [395, 2],
      ]),
      'a critical header': underHeader([
        [1, -8],
        [2, [395]],
        [15, claims],
        [395, 1],
      ]),
      'no origin': underHeader([
        [1, -8],
        [395, 1],
      ]),
      'an empty header': forged([new Uint8Array(0), unprotected, null, signature]),
      'an indefinite array': Uint8Array.of(0xd2, 0x9f, ...encode(protectedHeader), ...encode(unprotected), 0xf6, ...encode(signature), 0xff),
      'a longer length': Uint8Array.of(0xd2, 0x98, 4, ...receipt.subarray(2)),
    };
    for (const [what, bytes] of Object.entries(table)) {
      expect(await codeOf(() => verifyInclusionReceipt({ receipt: bytes, entry: proof.entry, verifierKey: keys.verifierKey })), what).toBe(
        'TALOS_ENCODING_BYTES',
      );
    }
  });

  it('[COSE-SIGNS-CHECKPOINTS] is signed for a tree with a checkpoint alone', async () => {
    const { proof, keys, log } = await included(6, 3);
    const { checkpoint: _, ...bare } = proof;
    expect(await codeOf(() => signInclusionReceipt(bare, keys))).toBe('TALOS_AUDIT_INCLUSION');
    expect(await codeOf(() => signInclusionReceipt({ ...proof, index: 2 }, keys))).toBe('TALOS_AUDIT_INCLUSION');
    const one = await logOf(1);
    expect(await codeOf(async () => signInclusionReceipt(await one.log.proveInclusion(0), one.keys))).toBe('TALOS_USAGE_ARGUMENT');
    expect(log.size).toBe(6);
  });
});

describe('a receipt of consistency', () => {
  async function grown(oldSize: number, newSize: number) {
    const { log, keys } = await logOf(newSize);
    const checkpoint = await log.checkpoint();
    const growth = { ...(await log.proveConsistency(oldSize)), checkpoint };
    return { growth, keys, receipt: await signConsistencyReceipt(growth, keys) };
  }

  it('[COSE-CONSISTENCY] leads from every known head to the signed one', async () => {
    for (let oldSize = 1; oldSize < 12; oldSize++) {
      const { growth, keys, receipt } = await grown(oldSize, 12);
      const verified = verifyConsistencyReceipt({ receipt, oldSize, oldRoot: growth.oldRoot, verifierKey: keys.verifierKey });
      expect(verified).toEqual({ origin: 'acme.example/log', size: 12, root: growth.newRoot });
      await Sign1.decode(receipt).verify(publicKey as never, { detachedPayload: growth.newRoot });
    }
  });

  it('[COSE-ATTACKS] of another head, another size, the other kind, or with any byte changed, is refused', async () => {
    const { growth, keys, receipt } = await grown(5, 12);
    const { oldSize, oldRoot } = growth;
    const verify = (change: Partial<Parameters<typeof verifyConsistencyReceipt>[0]>) =>
      codeOf(() => verifyConsistencyReceipt({ receipt, oldSize, oldRoot, verifierKey: keys.verifierKey, ...change }));
    expect(await verify({})).toBe('no error');
    expect(await verify({ oldRoot: growth.newRoot })).toBe('TALOS_AUDIT_CONSISTENCY');
    expect(await verify({ oldSize: 4 })).toBe('TALOS_ENCODING_BYTES');
    expect(await verify({ receipt: (await included(6, 3)).receipt })).toBe('TALOS_ENCODING_BYTES');
    for (let at = 0; at < receipt.length; at++) {
      const changed = Uint8Array.from(receipt);
      changed[at] = (changed[at] as number) ^ 1;
      expect(await verify({ receipt: changed }), `byte ${at}`).toMatch(/^TALOS_(ENCODING_BYTES|AUDIT_CONSISTENCY|CRYPTO_SIGNATURE)$/);
    }
  });

  it('[COSE-SIGNS-CHECKPOINTS] is signed for a proof that leads to a checkpoint alone', async () => {
    const { growth, keys } = await grown(5, 12);
    const longer = await logOf(13);
    expect(await codeOf(() => signConsistencyReceipt({ ...growth, oldRoot: growth.newRoot }, keys))).toBe('TALOS_AUDIT_CONSISTENCY');
    expect(await codeOf(async () => signConsistencyReceipt({ ...growth, checkpoint: await longer.log.checkpoint() }, keys))).toBe('TALOS_AUDIT_CONSISTENCY');
    const { log, keys: own } = await logOf(3);
    const checkpoint = await log.checkpoint();
    expect(await codeOf(async () => signConsistencyReceipt({ ...(await log.proveConsistency(3)), checkpoint }, own))).toBe('TALOS_USAGE_ARGUMENT');
  });
});
