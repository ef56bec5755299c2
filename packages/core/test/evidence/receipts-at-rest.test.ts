import { describe, expect, it } from 'vitest';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import type { JsonValue } from '../../src/bytes/json-value.ts';
import { anyArgs } from '../../src/capability/constraints/any.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { systemEnv } from '../../src/env/env.ts';
import { assembleEvidence } from '../../src/evidence/assemble-evidence.ts';
import { agentKeysAt } from '../../src/evidence/key-epochs.ts';
import { receiptsAtRest, receiptsByAge, unacknowledgedReceipts, type IndexedEntry, type ReceiptsAtRest } from '../../src/evidence/receipts-at-rest.ts';
import { reconcile } from '../../src/evidence/reconcile.ts';
import { addDecimals, usageOf } from '../../src/evidence/usage.ts';
import { answerUsage, readUsageAnswer, stateUsage, verifyUsage } from '../../src/evidence/usage-statement.ts';
import { verifyEvidence } from '../../src/evidence/verify-evidence.ts';
import type { AgentId } from '../../src/identity/agent-id.ts';
import { createKeyHistory, rotateKeyHistory, type KeyHistory } from '../../src/identity/key-history.ts';
import { countersign } from '../../src/receipt/countersign.ts';
import { signOutcome, verifyOutcome, type OutcomeClaims } from '../../src/receipt/outcome.ts';
import { receiptEntry, type ReceiptPart } from '../../src/receipt/receipt-entry.ts';
import { hashRequest, readRequest } from '../../src/receipt/request.ts';
import { caught, testSigner } from '../audit/support.ts';
import { callee, caller, claimsOf, keys, makeReceipt, makeRequest, stranger, type Party } from '../receipt/support.ts';
import { startMs } from '../session/support.ts';

type Texts = Partial<Record<ReceiptPart, string>>;
const keysAt = agentKeysAt(
  new Map([
    [caller.did, undefined],
    [callee.did, undefined],
  ]),
);
const fixed = { ...systemEnv, now: () => startMs + 1000 };

async function openLog(name: string, seed: number): Promise<AuditLog> {
  return openAuditLog({ store: memoryAuditStore(), signer: testSigner(seed), origin: `${name}.example/log`, env: fixed });
}

/** Both sides keep what each of them has of a call. */
async function keep(log: AuditLog, sides: { readonly agent: Party; readonly peer: Party }, texts: Texts): Promise<void> {
  const request = readRequest(texts.request ?? (await makeRequest('none', { tool: 't', input: {} })));
  const named = { agent: sides.agent.did, peer: sides.peer.did, request };
  for (const [part, text] of Object.entries(texts) as [ReceiptPart, string][]) await log.append(receiptEntry({ ...named, part, text }));
}

async function entriesOf(log: AuditLog): Promise<IndexedEntry[]> {
  return Promise.all(Array.from({ length: log.size }, (_, index) => log.entry(index)));
}

const read = async (log: AuditLog, at = keysAt): Promise<ReceiptsAtRest> => receiptsAtRest(await entriesOf(log), at);
const asCaller = { agent: caller, peer: callee };
const asCallee = { agent: callee, peer: caller };

type Pair = { readonly ofCaller: AuditLog; readonly ofCallee: AuditLog };
async function pair(): Promise<Pair> {
  return { ofCaller: await openLog('caller', 81), ofCallee: await openLog('callee', 82) };
}

/** One call of each state, in both logs. */
async function allStates(): Promise<Pair & { readonly receipts: Record<string, Texts> }> {
  const logs = await pair();
  const signed = await makeReceipt('signed', { units: { calls: 1, ms: 7 }, cost: { unit: 'EUR', amount: '0.10' } });
  const { countersignature: _withheld, ...unanswered } = await makeReceipt('unanswered', { units: { calls: 1 } });
  const asked = { request: await makeRequest('asked', { tool: 'render_chart', input: {} }) };
  const { request, outcome } = await makeReceipt('disputed', { units: { calls: 1, ms: 9_000_000 } });
  await keep(logs.ofCaller, asCaller, signed);
  await keep(logs.ofCallee, asCallee, signed);
  await keep(logs.ofCaller, asCaller, unanswered);
  await keep(logs.ofCallee, asCallee, unanswered);
  await keep(logs.ofCaller, asCaller, asked);
  await keep(logs.ofCaller, asCaller, { request, dispute: outcome });
  await keep(logs.ofCallee, asCallee, { request, outcome });
  return { ...logs, receipts: { signed, unanswered, asked, disputed: { request, outcome } } };
}

describe('receipts at rest', () => {
  it('[EVIDENCE-RECEIPT-STATES] each call has the state that its signatures give it, on both sides', async () => {
    const { ofCaller, ofCallee } = await allStates();
    await ofCaller.append({ type: 'tool.result', agent: caller.did, peer: stranger.did, call: 'plain-1', 'gen_ai.tool.name': 'weather' });
    const mine = await read(ofCaller);
    expect(mine.faults).toEqual([]);
    expect(mine.receipts.map(({ state, side, caller: by, callee: of, tool }) => [state, side, by, of, tool])).toEqual([
      ['both-signed', 'caller', caller.did, callee.did, 'render_chart'],
      ['tool-signed', 'caller', caller.did, callee.did, 'render_chart'],
      ['requested', 'caller', caller.did, callee.did, 'render_chart'],
      ['disputed', 'caller', caller.did, callee.did, 'render_chart'],
      ['observed', 'caller', caller.did, stranger.did, 'weather'],
    ]);
    const theirs = await read(ofCallee);
    expect(theirs.faults).toEqual([]);
    expect(theirs.receipts.map(({ state, side }) => [state, side])).toEqual([
      ['both-signed', 'callee'],
      ['tool-signed', 'callee'],
      ['tool-signed', 'callee'],
    ]);
  });

  it('[EVIDENCE-RECEIPT-STATES] what the other side has not answered is listed by age', async () => {
    const { ofCallee, ofCaller } = await allStates();
    const waiting = unacknowledgedReceipts((await read(ofCallee)).receipts, startMs + 61_000);
    expect(waiting.map(({ ageMs, waitsFor }) => [ageMs, waitsFor])).toEqual([
      [60_000, 'countersignature'],
      [60_000, 'countersignature'],
    ]);
    expect(unacknowledgedReceipts((await read(ofCaller)).receipts, startMs + 5000).map(({ waitsFor }) => waitsFor)).toEqual(['countersignature', 'outcome']);
  });

  it('[EVIDENCE-OBSERVED] a call to a peer that signs nothing is observed, as often as it was made, listed by age and shown when two logs are reconciled', async () => {
    const client = await TalosClient.create('caller');
    const guard = client.guard({ capability: await client.grant({ to: client.did, tools: { weather: anyArgs() } }) });
    // Models give one id to several calls, and frameworks give some none.
    for (const callId of ['call-1', 'call-1', undefined]) await guard.run({ tool: 'weather', input: {}, callId, peer: 'mcp.example/weather' }, () => 'sunny');
    await guard.run({ tool: 'weather', input: {}, callId: 'call-2' }, () => 'sunny');
    const mine = receiptsAtRest(await Promise.all(Array.from({ length: client.log.size }, (_, index) => client.log.entry(index))), keysAt);
    expect(mine.receipts.map(({ state, callee: of, tool }) => [state, of, tool])).toEqual(
      Array.from({ length: 3 }, () => ['observed', 'mcp.example/weather', 'weather']),
    );
    expect(new Set(mine.receipts.map(({ request }) => request)).size).toBe(3);
    const aged = receiptsByAge(mine.receipts.toReversed(), Date.now() + 60_000);
    expect(aged.map(({ receipt }) => receipt.at)).toEqual(mine.receipts.map(({ at }) => at));
    expect(aged.every(({ ageMs }) => ageMs >= 60_000)).toBe(true);
    expect(receiptsByAge(mine.receipts, Date.now(), ['requested'])).toEqual([]);
    const { ofCallee } = await pair();
    const { observed, differences } = reconcile({ a: mine, b: await read(ofCallee) });
    expect(differences).toEqual([]);
    expect(observed?.map(({ in: side, callee: of, call }) => [side, of, call])).toEqual([
      ['a', 'mcp.example/weather', 'call-1'],
      ['a', 'mcp.example/weather', 'call-1'],
      ['a', 'mcp.example/weather', ''],
    ]);
    expect(reconcile({ a: mine, b: await read(ofCallee) }, { caller: client.did, callee: callee.did }).observed).toBeUndefined();
    await client.close();
  });

  it('[EVIDENCE-OBSERVED] what a callee recorded of a signed call is none of them, also where its receipt is not in the window', async () => {
    const log = await openLog('callee', 82);
    await log.append({ type: 'tool.result', agent: callee.did, peer: caller.did, call: 'plain-1', request: 'A'.repeat(43), 'gen_ai.tool.name': 'weather' });
    expect((await read(log)).receipts).toEqual([]);
  });

  it('[EVIDENCE-RECEIPT-FAULTS] a part that is forged, of another call, or of nobody who is trusted counts as absent and is named', async () => {
    const good = await makeReceipt('good');
    const other = await makeReceipt('other');
    const forgedOutcome = await signOutcome(claimsOf(good.request), stranger.signer);
    const forgedRequest = await makeRequest('good', { tool: 'render_chart', input: { rows: 3 }, signer: stranger.signer });
    const byCallee = await countersign(verifyOutcome(good.outcome, { request: { hash: hashRequest(good.request) }, callee: keys.callee }), callee.signer);
    const cases: [Texts, string, string[]][] = [
      [{ ...good, outcome: forgedOutcome }, 'requested', ['outcome SIGNATURE_REFUSED', 'countersignature PART_ALONE']],
      [{ ...good, outcome: other.outcome }, 'requested', ['outcome PART_REFUSED', 'countersignature PART_ALONE']],
      [{ ...good, countersignature: other.countersignature }, 'tool-signed', ['countersignature PART_REFUSED']],
      [{ ...good, countersignature: byCallee }, 'tool-signed', ['countersignature SIGNATURE_REFUSED']],
      [{ ...good, outcome: good.outcome.replace('"keyid"', '"keyId"') }, 'requested', ['outcome PART_REFUSED', 'countersignature PART_ALONE']],
      [{ request: good.request, countersignature: good.countersignature }, 'requested', ['countersignature PART_ALONE']],
    ];
    for (const [texts, state, faults] of cases) {
      const log = await openLog('caller', 81);
      await keep(log, asCaller, texts);
      const found = await read(log);
      expect(found.receipts.map((receipt) => receipt.state)).toEqual([state]);
      expect(found.faults.map(({ part, code }) => `${part} ${code}`)).toEqual(faults);
    }
    const log = await openLog('caller', 81);
    await keep(log, asCaller, { request: forgedRequest, outcome: good.outcome });
    expect((await read(log)).receipts).toEqual([]);
    const [signed] = (await read(log)).faults.map(({ part, code }) => `${part} ${code}`);
    expect(signed).toBe('request SIGNATURE_REFUSED');
    const untrusted = await read(log, agentKeysAt(new Map([[callee.did, undefined]])));
    expect(untrusted.faults[0]?.code).toBe('PARTY_NOT_TRUSTED');
  });

  it('[EVIDENCE-RECEIPT-FAULTS] two outcomes of one call by one signer are a conflict, not the later one', async () => {
    const log = await openLog('caller', 81);
    const first = await makeReceipt('twice', { units: { calls: 1 } });
    const second = await signOutcome(claimsOf(first.request, { units: { calls: 100 } }), callee.signer);
    await keep(log, asCaller, first);
    await keep(log, asCaller, { request: first.request, outcome: second });
    await keep(log, asCaller, { request: first.request, dispute: second });
    const found = await read(log);
    expect(found.receipts).toMatchObject([{ state: 'disputed', outcome: { units: { calls: 1 } } }]);
    expect(found.faults.map(({ code, part }) => `${code} ${part}`)).toEqual(['PART_CONFLICTS outcome', 'PART_CONFLICTS dispute']);
  });

  it('[EVIDENCE-KEY-EPOCH] a signature counts only by the key that spoke for its agent then', async () => {
    const next = testSigner(91);
    const rotatedAt = async (ms: number): Promise<KeyHistory> => {
      const created = await createKeyHistory({ signer: caller.signer, nextKey: next.publicKey, now: startMs - 1e9 });
      return rotateKeyHistory(created, { signer: caller.signer, nextSigner: next, followingKey: testSigner(92).publicKey, now: ms });
    };
    const log = await openLog('caller', 81);
    await keep(log, asCaller, await makeReceipt('epoch'));
    const under = async (history: KeyHistory | undefined): Promise<string[]> => {
      const { receipts, faults } = await read(
        log,
        agentKeysAt(
          new Map([
            [caller.did, history],
            [callee.did, undefined],
          ]),
        ),
      );
      return [...receipts.map(({ state }) => state), ...faults.map(({ part, code }) => `${part} ${code}`)];
    };
    expect(await under(undefined)).toEqual(['both-signed']);
    expect(await under(await rotatedAt(startMs + 3_600_000))).toEqual(['both-signed']);
    // Rotated away an hour before: whoever still has the old key signs nothing with it any more.
    expect(await under(await rotatedAt(startMs - 3_600_000))).toEqual(['request SIGNATURE_REFUSED', 'outcome PART_ALONE', 'countersignature PART_ALONE']);
    // A key of tomorrow did not sign today.
    const byNext = await openLog('caller', 81);
    await keep(byNext, asCaller, { request: await makeRequest('epoch', { tool: 't', input: {}, signer: next }) });
    const future = agentKeysAt(
      new Map([
        [caller.did, await rotatedAt(startMs + 3_600_000)],
        [callee.did, undefined],
      ]),
    );
    expect((await read(byNext, future)).faults).toMatchObject([{ code: 'SIGNATURE_REFUSED' }]);
    const past = agentKeysAt(
      new Map([
        [caller.did, await rotatedAt(startMs - 3_600_000)],
        [callee.did, undefined],
      ]),
    );
    expect((await read(byNext, past)).receipts).toMatchObject([{ state: 'requested' }]);
  });

  it('[EVIDENCE-RECEIPT-CLAIMS] in an evidence file each receipt is a claim, under the agents that the reader trusts', async () => {
    const { ofCaller } = await allStates();
    const text = await assembleEvidence({ logs: [{ log: ofCaller, ranges: [{ start: 0, end: ofCaller.size }] }] });
    const claimsUnder = async (agents: readonly AgentId[]): Promise<string[]> => {
      const report = await verifyEvidence(text, { logs: [ofCaller.verifierKey], agents });
      return report.claims.filter(({ kind }) => kind === 'receipt').map((claim) => (claim.status === 'verified' ? `${claim.receipt}` : claim.code));
    };
    expect((await claimsUnder([caller.did, callee.did])).toSorted()).toEqual(['both-signed', 'disputed', 'requested', 'tool-signed']);
    expect(new Set(await claimsUnder([callee.did]))).toEqual(new Set(['AGENT_NOT_TRUSTED', 'RECEIPT_INCOMPLETE']));
    expect((await verifyEvidence(text, { agents: [caller.did, callee.did] })).receipts).toEqual([]);
    const single = await assembleEvidence({ logs: [{ log: ofCaller, entries: [2] }] });
    const report = await verifyEvidence(single, { logs: [ofCaller.verifierKey], agents: [caller.did, callee.did] });
    expect(report).toMatchObject({ verdict: 'incomplete', receipts: [] });
  });
});

describe('two logs', () => {
  it('[EVIDENCE-RECONCILE] the difference of two logs names every part that one of them lacks, has otherwise, or disputes', async () => {
    const { ofCaller, ofCallee, receipts } = await allStates();
    const lost = await makeReceipt('lost');
    await keep(ofCaller, asCaller, lost);
    await keep(ofCallee, asCallee, { request: lost.request, outcome: lost.outcome });
    const swapped = await makeReceipt('swapped', { units: { calls: 1 } });
    await keep(ofCaller, asCaller, { request: swapped.request, outcome: swapped.outcome });
    await keep(ofCallee, asCallee, { request: swapped.request, outcome: await signOutcome(claimsOf(swapped.request, { units: { calls: 2 } }), callee.signer) });
    const { format, agreed, differences } = reconcile({ a: await read(ofCaller), b: await read(ofCallee) });
    expect({ format, agreed }).toEqual({ format: 'talos/reconcile/v1', agreed: 2 });
    const brief = differences.map(({ code, request, part, in: side }) => [code, request, part, side]);
    expect(brief).toEqual([
      ['PART_MISSING', hashRequest(receipts['asked']!.request!), 'request', 'b'],
      ['DISPUTED', hashRequest(receipts['disputed']!.request!), 'dispute', 'a'],
      ['PART_MISSING', hashRequest(lost.request), 'countersignature', 'b'],
      ['PART_DIFFERS', hashRequest(swapped.request), 'outcome', undefined],
    ]);
    expect(JSON.parse(JSON.stringify(differences)) as JsonValue).toEqual(differences);
    const mirrored = reconcile({ a: await read(ofCallee), b: await read(ofCaller) });
    expect(mirrored.differences.map(({ code }) => code).toSorted()).toEqual(differences.map(({ code }) => code).toSorted());
  });

  it('[EVIDENCE-RECONCILE] two logs that hold the same agree, and a part that does not verify is a difference', async () => {
    const { ofCaller, ofCallee } = await pair();
    const same = await makeReceipt('same');
    await keep(ofCaller, asCaller, same);
    await keep(ofCallee, asCallee, same);
    expect(reconcile({ a: await read(ofCaller), b: await read(ofCallee) })).toEqual({ format: 'talos/reconcile/v1', agreed: 1, differences: [] });
    const forged = await openLog('callee', 82);
    await keep(forged, asCallee, { ...same, outcome: await signOutcome(claimsOf(same.request), stranger.signer) });
    expect(reconcile({ a: await read(ofCaller), b: await read(forged) }).differences.map(({ code, part, in: side }) => `${code} ${part} ${side}`)).toEqual([
      'PART_MISSING outcome b',
      'PART_MISSING countersignature b',
      'PART_INVALID outcome b',
      'PART_INVALID countersignature b',
    ]);
    const elsewhere = reconcile({ a: await read(ofCaller), b: await read(ofCallee) }, { caller: stranger.did, callee: callee.did });
    expect(elsewhere.agreed).toBe(0);
  });
});

describe('usage statements', () => {
  const period = { provider: callee.did, caller: caller.did, from: startMs, to: startMs + 60_000 };
  const window = { origin: 'callee.example/log', start: 0, end: 30, size: 30 };

  async function billed(count: number, more: (n: number) => Partial<OutcomeClaims> = () => ({})): Promise<Pair> {
    const logs = await pair();
    for (let n = 0; n < count; n += 1) {
      const receipt = await makeReceipt(`bill-${n}`, { units: { calls: 1, ms: n }, cost: { unit: 'EUR', amount: `0.0${n + 1}` }, ...more(n) });
      await keep(logs.ofCaller, asCaller, receipt);
      await keep(logs.ofCallee, asCallee, receipt);
    }
    return logs;
  }
  const stated = async ({ ofCallee }: Pair): Promise<string> =>
    stateUsage({ ...period, receipts: (await read(ofCallee)).receipts, window, signer: callee.signer });
  const answered = async (text: string, { ofCaller }: Pair): ReturnType<typeof answerUsage> =>
    answerUsage(text, { receipts: (await read(ofCaller)).receipts, keysAt, signer: caller.signer, caller: caller.did });

  it('[EVIDENCE-USAGE] sums what both signed, names the rest, and is countersigned if the caller’s own log says the same', async () => {
    const logs = await billed(3);
    const { countersignature: _none, ...open } = await makeReceipt('open', { units: { calls: 1 } });
    await keep(logs.ofCaller, asCaller, open);
    await keep(logs.ofCallee, asCallee, open);
    const text = await stated(logs);
    const { state, statement } = verifyUsage(text, keysAt);
    expect(state).toBe('provider-signed');
    expect(statement).toMatchObject({
      ...period,
      window,
      unacknowledged: [hashRequest(open.request)],
      disputed: [],
      tools: [{ tool: 'render_chart', calls: 3, units: { calls: 3, ms: 3 }, cost: { EUR: '0.06' } }],
    });
    const answer = await answered(text, logs);
    if (!answer.agreed) throw new Error(JSON.stringify(answer.differences));
    expect(verifyUsage(answer.statement, keysAt).state).toBe('both-signed');
  });

  it('[EVIDENCE-USAGE] a statement that says more, less or something else is answered with the difference, signed', async () => {
    const logs = await billed(2);
    const extra = await makeReceipt('extra', { units: { calls: 1 } });
    await keep(logs.ofCallee, asCallee, extra);
    const { countersignature: lostA, ...withoutA } = await makeReceipt('lost-a', { units: { calls: 1 } });
    await keep(logs.ofCaller, asCaller, { ...withoutA, countersignature: lostA });
    await keep(logs.ofCallee, asCallee, withoutA);
    const only = await makeReceipt('only-caller', { units: { calls: 1 } });
    await keep(logs.ofCaller, asCaller, only);
    const disputed = await makeReceipt('disputed', { units: { calls: 1 } });
    await keep(logs.ofCaller, asCaller, { request: disputed.request, dispute: disputed.outcome });
    await keep(logs.ofCallee, asCallee, disputed);
    const text = await stated(logs);
    const answer = await answered(text, logs);
    if (answer.agreed) throw new Error('agreed');
    expect(new Map(answer.differences.map((each) => ['request' in each ? each.request : each.tool, each]))).toEqual(
      new Map<string, unknown>([
        [hashRequest(extra.request), { code: 'UNKNOWN', request: hashRequest(extra.request), stated: 'counted' }],
        [hashRequest(withoutA.request), { code: 'STATE', request: hashRequest(withoutA.request), stated: 'unacknowledged', own: 'both-signed' }],
        [hashRequest(only.request), { code: 'NOT_LISTED', request: hashRequest(only.request), own: 'both-signed' }],
        [hashRequest(disputed.request), { code: 'STATE', request: hashRequest(disputed.request), stated: 'counted', own: 'disputed' }],
      ]),
    );
    expect(readUsageAnswer(answer.answer, { statement: text, keysAt })).toEqual(answer.differences);
    const another = await stated(await billed(1));
    expect(await caught(() => readUsageAnswer(answer.answer, { statement: another, keysAt }))).toMatchObject({ code: 'TALOS_EVIDENCE_MALFORMED' });
  });

  it('[EVIDENCE-USAGE] a sum that does not follow from the calls is a difference', async () => {
    const logs = await billed(2);
    const own = (await read(logs.ofCallee)).receipts;
    const padded = own.map((receipt, n) => (n === 0 ? { ...receipt, outcome: { ...receipt.outcome!, units: { calls: 1, ms: 500 } } } : receipt));
    const text = await stateUsage({ ...period, receipts: padded, window, signer: callee.signer });
    expect(await answered(text, logs)).toMatchObject({
      agreed: false,
      differences: [{ code: 'SUM', tool: 'render_chart', stated: { units: { ms: 501 } }, own: { units: { ms: 1 } } }],
    });
  });

  it('[EVIDENCE-USAGE] a statement that is changed, not the provider’s, or to somebody else is refused', async () => {
    const logs = await billed(1);
    const text = await stated(logs);
    const signed = await answered(text, logs);
    for (let at = 0; at < text.length; at += 1 + Math.floor(text.length / 200)) {
      const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
      expect((await caught(() => verifyUsage(changed, keysAt))).code).toMatch(/^TALOS_EVIDENCE_(MALFORMED|SIGNATURE)$/);
    }
    const forged = await stateUsage({ ...period, receipts: (await read(logs.ofCallee)).receipts, window, signer: stranger.signer });
    expect(await caught(() => verifyUsage(forged, keysAt))).toMatchObject({ code: 'TALOS_EVIDENCE_SIGNATURE' });
    expect(await caught(() => verifyUsage(text, agentKeysAt(new Map())))).toMatchObject({ code: 'TALOS_EVIDENCE_SIGNATURE' });
    expect(await caught(() => answerUsage(text, { receipts: [], keysAt, signer: stranger.signer, caller: stranger.did }))).toMatchObject({
      code: 'TALOS_EVIDENCE_MALFORMED',
    });
    const selfAgreed = signed.agreed ? signed.statement.replace(/("signatures":\[(\{[^}]*\}),)\{[^}]*\}/, '$1$2') : '';
    expect(await caught(() => verifyUsage(selfAgreed, keysAt))).toMatchObject({ code: 'TALOS_EVIDENCE_SIGNATURE' });
    for (const nonsense of ['', '{}', '[]', 'null', '{"payload":1,"payloadType":2,"signatures":3}', null, 7])
      expect(await caught(() => verifyUsage(nonsense as never, keysAt))).toMatchObject({ code: 'TALOS_EVIDENCE_MALFORMED' });
  });

  it('[EVIDENCE-USAGE] only calls of the period, the provider and the caller count, and money is added exactly', async () => {
    const logs = await billed(3, (n) => ({ times: { received: startMs, ended: startMs + n * 60_000 } }));
    const { receipts } = await read(logs.ofCallee);
    expect(usageOf(receipts, period).tools).toMatchObject([{ calls: 1 }]);
    expect(usageOf(receipts, { ...period, from: startMs + 60_000, to: startMs + 120_001 }).tools).toMatchObject([{ calls: 2 }]);
    expect(usageOf(receipts, { ...period, caller: stranger.did }).tools).toEqual([]);
    expect(usageOf(receipts, { ...period, provider: stranger.did }).tools).toEqual([]);
    for (const wrong of [{ from: 5, to: 5 }, { from: -1 }, { to: 1.5 }])
      expect(await caught(() => usageOf(receipts, { ...period, ...wrong }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    const huge = ['one', 'two'].map((request) => ({
      ...receipts[0]!,
      request,
      outcome: { ...receipts[0]!.outcome!, units: { calls: Number.MAX_SAFE_INTEGER } },
    }));
    expect(await caught(() => usageOf(huge, period))).toMatchObject({ code: 'TALOS_EVIDENCE_LIMIT' });
    expect(
      [
        ['0.1', '0.2'],
        ['99999999999999999999', '0.000000000000001'],
        ['1.50', '0.5'],
        ['0', '0'],
      ].map(([a, b]) => addDecimals(a!, b!)),
    ).toEqual(['0.3', '99999999999999999999.000000000000001', '2', '0']);
  });
});
