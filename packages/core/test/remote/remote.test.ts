import { describe, expect, it } from 'vitest';
import { eq } from '../../src/capability/index.ts';
import { verifyReceipt, type Receipt } from '../../src/receipt/index.ts';
import { entriesOf, eventually, makePair, receiptsIn, tool, type Pair } from './support.ts';

const echo = tool('echo', (input) => ({ echoed: input }));

async function countersigned({ b }: Pair): Promise<unknown> {
  return eventually(async () => (await receiptsIn(b)).find(({ part }) => part === 'countersignature'));
}

describe('a remote call', () => {
  it('[REMOTE-CALL] runs under the guard of the callee, and its result comes back with a receipt', async () => {
    const pair = await makePair({ serve: [echo] });
    const result = await pair.a.call(pair.b.did, 'echo', { text: 'hi' }, { capability: pair.capability, callId: 'call-1' });
    expect(result).toMatchObject({ status: 'ok', value: { echoed: { text: 'hi' } } });
    expect(verifyReceipt(result.receipt, pair.keys)).toMatchObject({ state: 'both-signed', outcome: { outcome: 'ok', log: pair.b.log.origin } });
    const types = (await entriesOf(pair.b)).map(({ type }) => type);
    expect(types.filter((type) => type.startsWith('tool.'))).toEqual(['tool.request', 'tool.result']);
    await pair.close();
  });

  it('[REMOTE-RECEIPTS] both logs hold R, S and A byte for byte, and the decision where S says', async () => {
    const pair = await makePair({ serve: [echo] });
    const { receipt } = await pair.a.call(pair.b.did, 'echo', { n: 1 }, { capability: pair.capability });
    await countersigned(pair);
    const held = async (client: Pair['a']) => Object.fromEntries((await receiptsIn(client)).map(({ part, text }) => [part, text])) as Required<Receipt>;
    expect(await held(pair.a)).toEqual(receipt);
    expect(await held(pair.b)).toEqual(receipt);
    const { outcome } = verifyReceipt(await held(pair.b), pair.keys);
    expect((await pair.b.log.entry(outcome!.decisionIndex!)).entry).toMatchObject({ type: 'tool.request', peer: pair.a.did, policy: { decision: 'allow' } });
    await pair.close();
  });

  it('[REMOTE-REFUSED] a call that the grant does not allow does not run; the refusal is signed and recorded', async () => {
    let ran = 0;
    const pair = await makePair({ serve: [tool('pay', () => ++ran)], grant: { pay: { to: eq('alice') } } });
    const result = await pair.a.call(pair.b.did, 'pay', { to: 'mallory' }, { capability: pair.capability });
    expect(result).toMatchObject({ status: 'denied', denial: { code: 'ARG_VIOLATES', arg: 'to' } });
    expect(verifyReceipt(result.receipt, pair.keys)).toMatchObject({ state: 'both-signed', outcome: { decision: 'deny', code: 'ARG_VIOLATES' } });
    expect((await entriesOf(pair.b)).filter(({ type }) => type === 'policy.decision')).toHaveLength(1);
    expect(ran).toBe(0);
    await pair.close();
  });

  it('[REMOTE-ERROR] what the tool throws comes back as its name and message', async () => {
    const pair = await makePair({ serve: [tool('fail', () => Promise.reject(new RangeError('too far')))] });
    const result = await pair.a.call(pair.b.did, 'fail', {}, { capability: pair.capability });
    expect(result).toMatchObject({ status: 'error', error: { name: 'RangeError', message: 'too far' } });
    expect(verifyReceipt(result.receipt, pair.keys)).toMatchObject({ state: 'both-signed', outcome: { outcome: 'tool_error' } });
    await pair.close();
  });
});
