import { describe, expect, it } from 'vitest';
import { encodeBase64 } from '../../src/bytes/base64.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import {
  agentKey,
  commitToResult,
  countersign,
  readOutcome,
  readReceiptEntry,
  readRequest,
  receiptEntry,
  receiptEntryId,
  receiptPayloadType,
  signOutcome,
  verifyOutcome,
  verifyReceipt,
  verifyResult,
  type OutcomeClaims,
} from '../../src/receipt/index.ts';
import { codeOf, rejectionOf, seededEnv } from '../session/support.ts';
import { callee, caller, chunkHash, claimsOf, keys, makeReceipt, makeRequest, salt, stranger, withChunks, withValue } from './support.ts';

describe('receipt of a remote call', () => {
  it('[RECEIPT-STATES] grows from requested over tool-signed to both-signed', async () => {
    const { request, outcome, countersignature } = await makeReceipt('states', withValue(1));
    expect(verifyReceipt({ request }, keys).state).toBe('requested');
    expect(verifyReceipt({ request, outcome }, keys).state).toBe('tool-signed');
    expect(verifyReceipt({ request, outcome, countersignature }, keys)).toMatchObject({
      state: 'both-signed',
      outcome: { outcome: 'ok', log: 'talos.local/log/callee' },
    });
  });

  it('[RECEIPT-KEYS] keys come from the reader: the parties changed about prove nothing', async () => {
    const receipt = await makeReceipt('keys', withValue(1));
    expect(codeOf(() => verifyReceipt(receipt, { caller: keys.callee, callee: keys.caller }))).toBe('TALOS_RECEIPT_SIGNATURE');
    expect(codeOf(() => verifyReceipt(receipt, { ...keys, callee: agentKey(stranger.did) }))).toBe('TALOS_RECEIPT_SIGNATURE');
    expect(codeOf(() => verifyReceipt(receipt, { ...keys, caller: agentKey(stranger.did) }))).toBe('TALOS_RECEIPT_SIGNATURE');
  });

  it('[RECEIPT-TWO-PARTIES] a party that agrees with itself has not two signatures', async () => {
    const request = await makeRequest('self', { tool: 'pay', input: {}, signer: callee.signer });
    const outcome = await signOutcome(claimsOf(request), callee.signer);
    const read = verifyOutcome(outcome, { request: readRequest(request), callee: keys.callee });
    const countersignature = await countersign(read, callee.signer);
    const both = { caller: keys.callee, callee: keys.callee };
    expect(codeOf(() => verifyReceipt({ request, outcome, countersignature }, both))).toBe('TALOS_RECEIPT_SIGNATURE');
  });

  it('[RECEIPT-RESULT] an outcome is about one value, or these chunks in this order', async () => {
    const one = readOutcome((await makeReceipt('value', withValue({ a: 1 }))).outcome).claims;
    expect(() => verifyResult(one, { salt, value: { a: 1 } })).not.toThrow();
    const refused = (claims: OutcomeClaims, opening: Parameters<typeof verifyResult>[1]) => codeOf(() => verifyResult(claims, opening));
    expect(refused(one, { salt, value: { a: 2 } })).toBe('TALOS_RECEIPT_MISMATCH');
    expect(refused(one, { salt: new Uint8Array(32), value: { a: 1 } })).toBe('TALOS_RECEIPT_MISMATCH');
    expect(refused(one, { salt: new Uint8Array(3), value: { a: 1 } })).toBe('TALOS_RECEIPT_MISMATCH');
    expect(refused(one, { salt, chunks: chunkHash([{ a: 1 }]) })).toBe('TALOS_RECEIPT_MISMATCH');
    const many = readOutcome((await makeReceipt('chunks', withChunks(['a', 'b']))).outcome).claims;
    expect(() => verifyResult(many, { salt, chunks: chunkHash(['a', 'b']) })).not.toThrow();
    for (const chunks of [['b', 'a'], ['a'], ['a', 'b', 'c'], ['ab'], []])
      expect(refused(many, { salt, chunks: chunkHash(chunks) })).toBe('TALOS_RECEIPT_MISMATCH');
    expect(refused(many, { salt, value: ['a', 'b'] })).toBe('TALOS_RECEIPT_MISMATCH');
  });

  it('[RECEIPT-RESULT] a refused call has no result, and nothing opens it', async () => {
    const denied = readOutcome((await makeReceipt('no', { decision: 'deny', code: 'REVOKED', outcome: 'denied' })).outcome).claims;
    expect(codeOf(() => verifyResult(denied, { salt, value: 1 }))).toBe('TALOS_RECEIPT_MISMATCH');
  });

  const bad: readonly (readonly [string, Partial<OutcomeClaims>])[] = [
    ['refused and ok', { decision: 'deny', code: 'REVOKED' }],
    ['refused without a code', { decision: 'deny', outcome: 'denied' }],
    ['allowed with a code', { code: 'REVOKED' }],
    ['refused with a result', { decision: 'deny', code: 'REVOKED', outcome: 'denied', ...withValue(1) }],
    ['a result without a commitment', { form: 'json' }],
    ['a commitment without a result', { result_commit: commitToResult({ salt, value: 1 }) }],
    ['a stream without a number', { form: 'stream', result_commit: commitToResult({ salt, value: 1 }) }],
    ['a number without a stream', { ...withValue(1), chunks: 1 }],
    ['unknown with a result', { outcome: 'unknown', ...withValue(1) }],
    ['no decision in the log', { decisionIndex: undefined as never }],
    ['a fraction of a call', { units: { calls: 0.5 } }],
    ['a negative cost', { cost: { unit: 'EUR', amount: '-1' } }],
    ['a member that nobody knows', { note: 'x' } as never],
    ['another version', { v: 2 as never }],
    ['an outcome that nobody knows', { outcome: 'fine' as never }],
    ['a log without a name', { log: '' }],
    ['a time that is none', { times: { received: 1, ended: Number.NaN } }],
  ];
  it.each(bad)('[RECEIPT-CLOSED] claims that contradict each other are neither signed nor read: %s', async (_, more) => {
    const claims = claimsOf(await makeRequest('bad', { tool: 'pay', input: {} }), more);
    expect(await rejectionOf(() => signOutcome(claims, callee.signer))).toBe('TALOS_USAGE_ARGUMENT');
    const payload = encodeUtf8(JSON.stringify(claims));
    const head = encodeUtf8(`DSSEv1 ${receiptPayloadType.length} ${receiptPayloadType} ${payload.length} `);
    const sig = await callee.signer.sign(Buffer.concat([head, payload]));
    const template = JSON.parse((await makeReceipt('bad')).outcome) as { signatures: { keyid: string; sig: string }[] };
    const signatures = [{ ...template.signatures[0]!, sig: encodeBase64(sig) }];
    const text = JSON.stringify({ payload: encodeBase64(payload), payloadType: receiptPayloadType, signatures });
    expect(codeOf(() => verifyOutcome(text, { request: { hash: claims.request }, callee: keys.callee }))).toBe('TALOS_RECEIPT_MALFORMED');
  });

  it('[RECEIPT-ENTRIES] a log holds the three texts as they travelled, found by the request', async () => {
    const receipt = await makeReceipt('entries', withValue(1));
    const env = seededEnv('log');
    const log = await openAuditLog({ store: memoryAuditStore(), signer: caller.signer, origin: 'test.example/log', env });
    const request = readRequest(receipt.request);
    for (const part of ['request', 'outcome', 'countersignature'] as const) {
      await log.append(receiptEntry({ agent: caller.did, peer: callee.did, request, part, text: receipt[part] }));
    }
    for (const part of ['request', 'outcome', 'countersignature'] as const) {
      const index = await log.find('id', receiptEntryId(request.hash, part));
      expect(readReceiptEntry((await log.entry(index!)).entry)).toEqual({ part, request: request.hash, text: receipt[part] });
    }
    expect(readReceiptEntry((await log.entry(0)).entry)).toBeUndefined();
    await log.close();
  });
});
