import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/primitives/node.ts';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
import type { JsonObject } from '../../src/bytes/json-value.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { systemEnv } from '../../src/env/env.ts';
import { agentKeysAt } from '../../src/evidence/key-epochs.ts';
import { receiptsAtRest, type RestingReceipt } from '../../src/evidence/receipts-at-rest.ts';
import { formatStatement, parseStatement, signStatementPayload } from '../../src/evidence/signed-statement.ts';
import { usageOf, type ToolUsage, type Usage } from '../../src/evidence/usage.ts';
import { answerUsage, readUsageAnswer, stateUsage, verifyUsage } from '../../src/evidence/usage-statement.ts';
import type { Signer } from '../../src/identity/signer.ts';
import { receiptEntry, type ReceiptPart } from '../../src/receipt/receipt-entry.ts';
import { readRequest } from '../../src/receipt/request.ts';
import { caught, testSigner } from '../audit/support.ts';
import { callee, caller, makeReceipt } from '../receipt/support.ts';
import { startMs } from '../session/support.ts';

const usageType = 'application/vnd.talos.usage+json';
const answerType = 'application/vnd.talos.usage-answer+json';
const keysAt = agentKeysAt(new Map([caller, callee].map(({ did }) => [did, undefined])));
const period = { provider: callee.did, caller: caller.did, from: startMs, to: startMs + 60_000 };
const window = { origin: 'callee.example/log', start: 0, end: 30, size: 30 };

/** Both-signed calls as a log gives them back. */
async function receiptsOf(count: number): Promise<readonly RestingReceipt[]> {
  const env = { ...systemEnv, now: () => startMs + 1000 };
  const log = await openAuditLog({ store: memoryAuditStore(), signer: testSigner(83), origin: 'callee.example/log', env });
  for (let n = 0; n < count; n++) {
    const texts = await makeReceipt(`call-${n}`, { units: { calls: 1 }, cost: { unit: 'EUR', amount: '0.10' } });
    const named = { agent: callee.did, peer: caller.did, request: readRequest(texts.request) };
    for (const [part, text] of Object.entries(texts) as [ReceiptPart, string][]) await log.append(receiptEntry({ ...named, part, text }));
  }
  return receiptsAtRest(await Promise.all(Array.from({ length: log.size }, (_, index) => log.entry(index))), keysAt).receipts;
}

/** Whatever a party signs that does not use our code. */
async function signed(type: string, content: JsonObject, signer: Signer): Promise<string> {
  const payload = encodeUtf8(canonicalJson(content));
  return formatStatement(type, { payload, signatures: [await signStatementPayload(type, payload, signer)] });
}

describe('hostile usage statements', () => {
  it('[EVIDENCE-USAGE] no line, call or period that stands twice or is none is countersigned', async () => {
    const receipts = await receiptsOf(2);
    const honest = { v: 1, ...period, window, ...usageOf(receipts, period) };
    const [tool] = honest.tools as readonly [ToolUsage];
    const [first = '', second = ''] = tool.requests;
    const one = { ...tool, calls: 1, requests: [first], units: { calls: 1 }, cost: { EUR: '0.1' } };
    const forged: readonly Partial<Usage & typeof period & { readonly window: object }>[] = [
      { tools: [tool, { ...tool, calls: 0, requests: [], units: {}, cost: { EUR: '1000' } }] },
      { tools: [tool, tool] },
      { tools: [{ ...tool, tool: 'z' }, tool] },
      { tools: [{ ...tool, tool: 'a' }, tool] },
      { tools: [{ ...tool, requests: [first, first] }] },
      { tools: [{ ...tool, requests: [second, first] }] },
      { tools: [one], unacknowledged: [first, second] },
      { disputed: [first] },
      { unacknowledged: [second], disputed: [second] },
      { from: period.to, to: period.from },
      { window: { ...window, end: 31 } },
      { window: { ...window, start: 30 } },
    ];
    for (const [n, change] of forged.entries()) {
      const text = await signed(usageType, { ...honest, ...change } as unknown as JsonObject, callee.signer);
      const answered = await caught(() => answerUsage(text, { receipts, keysAt, signer: caller.signer, caller: caller.did }));
      expect(answered, `${n}`).toMatchObject({ code: 'TALOS_EVIDENCE_MALFORMED' });
    }
    const text = await signed(usageType, honest as unknown as JsonObject, callee.signer);
    expect(await answerUsage(text, { receipts, keysAt, signer: caller.signer, caller: caller.did })).toMatchObject({ agreed: true });
  });

  it('[EVIDENCE-USAGE] the receipts of two logs are not summed as if each call had been made twice', async () => {
    const receipts = await receiptsOf(2);
    const twice = [...receipts, ...receipts];
    expect(await caught(() => usageOf(twice, period))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    expect(await caught(() => stateUsage({ ...period, receipts: twice, window, signer: callee.signer }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[EVIDENCE-USAGE] an answer with differences that are none is refused with a code', async () => {
    const receipts = await receiptsOf(1);
    const text = await stateUsage({ ...period, receipts, window, signer: callee.signer });
    expect(verifyUsage(text, keysAt).state).toBe('provider-signed');
    const statement = encodeBase64url(sha256(parseStatement(usageType, text).payload));
    const none = [
      null,
      7,
      'x',
      [],
      {},
      { code: 'toString' },
      { code: 'UNKNOWN', request: 5, stated: 'counted' },
      { code: 'SUM', tool: 't', stated: null, own: 1 },
    ];
    for (const difference of [...none, { code: 'UNKNOWN', request: 'r', stated: 'counted', more: 1 }]) {
      const answer = await signed(answerType, { v: 1, statement, caller: caller.did, differences: [difference] } as unknown as JsonObject, caller.signer);
      expect(await caught(() => readUsageAnswer(answer, { statement: text, keysAt })), JSON.stringify(difference)).toMatchObject({
        code: 'TALOS_EVIDENCE_MALFORMED',
      });
    }
  });
});
