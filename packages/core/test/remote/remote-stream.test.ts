import { describe, expect, it } from 'vitest';
import { verifyReceipt } from '../../src/receipt/index.ts';
import { chunkWindow } from '../../src/remote/bounds.ts';
import type { JsonValue } from '../../src/bytes/json-value.ts';
import type { RemoteResult } from '../../src/index.ts';
import { eventually, makePair, receiptsIn, tool } from './support.ts';

async function readAll(stream: AsyncGenerator<JsonValue, RemoteResult, undefined>): Promise<{ readonly chunks: JsonValue[]; readonly result: RemoteResult }> {
  const chunks: JsonValue[] = [];
  for (;;) {
    const { value, done } = await stream.next();
    if (done === true) return { chunks, result: value };
    chunks.push(value);
  }
}

const count = (to: number, yielded: { n: number } = { n: 0 }) =>
  tool('count', async function* () {
    for (let i = 0; i < to; i++) {
      yielded.n++;
      yield i;
    }
  });

describe('a stream from afar', () => {
  it('[REMOTE-STREAM] chunks come in order, and the outcome covers all of them', async () => {
    const pair = await makePair({ serve: [count(100)] });
    const { chunks, result } = await readAll(pair.a.stream(pair.b.did, 'count', {}, { capability: pair.capability }));
    expect(chunks).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(result.status).toBe('ok');
    expect(verifyReceipt(result.receipt, pair.keys)).toMatchObject({ state: 'both-signed', outcome: { form: 'stream', chunks: 100 } });
    await pair.close();
  });

  it('[REMOTE-STREAM] a tool that gives one value is a stream of one chunk, and a tool that yields is one value to a call', async () => {
    const pair = await makePair({ serve: [tool('one', () => 1), tool('none', () => undefined), count(3)] });
    const options = { capability: pair.capability };
    expect((await readAll(pair.a.stream(pair.b.did, 'one', {}, options))).chunks).toEqual([1]);
    expect((await readAll(pair.a.stream(pair.b.did, 'none', {}, options))).chunks).toEqual([]);
    expect(await pair.a.call(pair.b.did, 'count', {}, options)).toMatchObject({ status: 'ok', value: [0, 1, 2] });
    await pair.close();
  });

  it('[REMOTE-STREAM-ROOM] a reader that does not read holds the tool up', async () => {
    const yielded = { n: 0 };
    const pair = await makePair({ serve: [count(10_000, yielded)] });
    const stream = pair.a.stream(pair.b.did, 'count', {}, { capability: pair.capability });
    await stream.next();
    await eventually(() => (yielded.n > chunkWindow ? true : undefined));
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(yielded.n).toBeLessThanOrEqual(chunkWindow + 2);
    await stream.return(undefined as never);
    await pair.close();
  });

  it('[REMOTE-STREAM-STOP] to stop reading stops the tool, and what was sent is covered by the outcome', async () => {
    let isStopped = false;
    const pair = await makePair({
      serve: [
        tool('endless', async function* (_input, { signal }) {
          try {
            for (let i = 0; !signal.aborted; i++) yield i;
          } finally {
            isStopped = true;
          }
        }),
      ],
    });
    for await (const chunk of pair.a.stream(pair.b.did, 'endless', {}, { capability: pair.capability })) if (chunk === 3) break;
    await eventually(() => (isStopped ? true : undefined));
    await eventually(async () => (await receiptsIn(pair.a)).find(({ part }) => part === 'countersignature'));
    const [request, outcome, countersignature] = (await receiptsIn(pair.a)).map(({ text }) => text) as [string, string, string];
    expect(verifyReceipt({ request, outcome, countersignature }, pair.keys)).toMatchObject({ outcome: { outcome: 'cancelled', form: 'stream' } });
    await pair.close();
  });

  it('[REMOTE-STREAM] a tool that throws in the middle ends the stream as an error, with its chunks covered', async () => {
    const pair = await makePair({
      serve: [
        tool('half', async function* () {
          yield 'first';
          throw new RangeError('no second');
        }),
      ],
    });
    const { chunks, result } = await readAll(pair.a.stream(pair.b.did, 'half', {}, { capability: pair.capability }));
    expect(chunks).toEqual(['first']);
    expect(result).toMatchObject({ status: 'error', error: { name: 'RangeError' } });
    expect(verifyReceipt(result.receipt, pair.keys)).toMatchObject({ state: 'both-signed', outcome: { outcome: 'tool_error', chunks: 1 } });
    await pair.close();
  });

  it('[REMOTE-STREAM] a chunk that is too large ends it', async () => {
    const pair = await makePair({
      serve: [
        tool('large', async function* () {
          yield 'x'.repeat(200_000);
        }),
      ],
    });
    expect((await readAll(pair.a.stream(pair.b.did, 'large', {}, { capability: pair.capability }))).result).toMatchObject({ status: 'error' });
    await pair.close();
  });

  it('[REMOTE-STREAM] a refusal is the return value of a stream that yields nothing', async () => {
    const pair = await makePair({ serve: [count(3)], grant: { other: {} } });
    const { chunks, result } = await readAll(pair.a.stream(pair.b.did, 'count', {}, { capability: pair.capability }));
    expect(chunks).toEqual([]);
    expect(result).toMatchObject({ status: 'denied', denial: { code: 'TOOL_UNGRANTED' } });
    await pair.close();
  });
});
