import { readFileSync } from 'node:fs';
import { createPublicKey, verify } from 'node:crypto';
import { compactVerify, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { decodeHex } from '../../src/bytes/hex.ts';
import { parseAgentId, type AgentId } from '../../src/identity/agent-id.ts';
import { readOutcome, verifyReceipt, verifyResult } from '../../src/receipt/index.ts';
import { chunkHash, keys } from './support.ts';
import { codeOf, makeReceiptVectors, receiptVectorFile, type ReceiptVectors } from './vectors/receipt-vector.ts';

const vectors = JSON.parse(readFileSync(receiptVectorFile, 'utf8')) as ReceiptVectors;

describe('receipt vectors', () => {
  it('[RECEIPT-VECTORS] are made again byte for byte', async () => {
    expect(await makeReceiptVectors()).toEqual(vectors);
  });

  it.each(vectors.accepted)('[RECEIPT-VECTORS] accepted: $name', (vector) => {
    const { state, outcome } = verifyReceipt(vector, keys);
    expect(state).toBe('both-signed');
    const salt = decodeHex(vectors.salt);
    if (vector.value !== undefined) expect(() => verifyResult(outcome!, { salt, value: vector.value! })).not.toThrow();
    if (vector.chunks !== undefined) expect(() => verifyResult(outcome!, { salt, chunks: chunkHash(vector.chunks!) })).not.toThrow();
    expect(readOutcome(vector.outcome).claims).toEqual(outcome);
  });

  it.each(vectors.refused)('[RECEIPT-VECTORS] refused: $name', (vector) => {
    expect(codeOf(vector)).toBe(vector.code);
    expect(vector.code).toMatch(/^TALOS_RECEIPT_/);
  });

  it.each(vectors.accepted)('[RECEIPT-FOREIGN] jose and node:crypto verify it without our code: $name', async ({ request, joined }) => {
    const jwk = (did: string) => ({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(parseAgentId(did as AgentId).bytes).toString('base64url') });
    const { payload } = await compactVerify(request, await importJWK({ ...jwk(vectors.caller), alg: 'Ed25519' }));
    expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({ aud: vectors.callee, tool: 'render_chart' });
    const envelope = JSON.parse(joined) as { payload: string; payloadType: string; signatures: { sig: string }[] };
    const body = Buffer.from(envelope.payload, 'base64');
    const signed = Buffer.concat([Buffer.from(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${body.length} `), body]);
    const signers = [vectors.callee, vectors.caller];
    for (const [i, did] of signers.entries()) {
      const key = createPublicKey({ key: jwk(did), format: 'jwk' });
      expect(verify(null, signed, key, Buffer.from(envelope.signatures[i]!.sig, 'base64'))).toBe(true);
    }
  });
});
