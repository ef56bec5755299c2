/** What every store of served calls must keep, as cases that any test runner can run. A case resolves, or throws an error that says what differed. @module */
import type { AgentId } from '../identity/agent-id.ts';
import type { CallClaim, CallStore, ClaimVerdict } from '../remote/call-store.ts';
import { storeSuite, type ConformanceCase, type StoreCase, type StoreUnderTest } from './conformance.ts';

/** `create` gives an empty store that began at `sinceMs`; `reopen` opens the same data again, where there is such a thing. */
export type CallStoreSource = { create(sinceMs: number): Promise<StoreUnderTest<CallStore>> };

export function callStoreSuite(source: CallStoreSource): readonly ConformanceCase[] {
  return storeSuite(cases, () => source.create(start));
}

const cases: readonly StoreCase<CallStore>[] = [
  { name: 'a call is claimed once', check: once },
  { name: 'of many at once one is told that it is new', check: race },
  { name: 'the first answer stays', check: firstAnswer },
  { name: 'what came before the store is unknown', check: older },
  { name: 'a call that ended is never new again', check: ended },
  { name: 'unacknowledged answers are listed by age, until they are', check: unacknowledged },
  { name: 'an answer that is owed outlives its request', check: owed },
  { name: 'everything is there after opening again', check: reopened },
];

const start = 1_767_225_600_000;
const peer = 'did:key:z6MkwLHT8dfrq2rw4QDn7VK6Ci16ewDwwsLj933AtAYxVFrX' as AgentId;

function claimOf(name: string, from = start): CallClaim {
  return { id: `key ${name}`, request: `request ${name}`, peer, token: `token ${name}`, from, until: from + 60_000 };
}

async function once(store: CallStore): Promise<void> {
  expectVerdict(await store.claim(claimOf('a'), start), 'new');
  const again = await store.claim(claimOf('a'), start);
  expectVerdict(again, 'seen');
  if (again.verdict === 'seen' && (again.call.request !== 'request a' || again.call.token !== 'token a' || again.call.peer !== peer))
    throw new Error('another call was given');
  if (again.verdict === 'seen' && (again.call.answer !== undefined || again.call.acknowledged)) throw new Error('a call without an answer has one');
  expectVerdict(await store.claim(claimOf('b'), start), 'new');
}

async function race(store: CallStore): Promise<void> {
  const verdicts = await Promise.all(Array.from({ length: 16 }, () => store.claim(claimOf('a'), start)));
  const told = verdicts.map(({ verdict }) => verdict);
  if (told.filter((verdict) => verdict === 'new').length !== 1) throw new Error(`told: ${told.join()}`);
}

async function firstAnswer(store: CallStore): Promise<void> {
  if ((await store.settle('key a', Uint8Array.of(1), start)) !== undefined) throw new Error('a call that was not claimed was answered');
  await store.claim(claimOf('a'), start);
  const answers = await Promise.all([1, 2, 3].map((byte) => store.settle('key a', Uint8Array.of(byte), start)));
  const kept = (await store.find('request a'))?.answer?.[0];
  if (kept === undefined || answers.some((answer) => answer?.[0] !== kept)) throw new Error('two answers were kept');
}

async function older(store: CallStore): Promise<void> {
  expectVerdict(await store.claim(claimOf('a', start - 1000), start), 'unknown');
  expectVerdict(await store.claim(claimOf('a'), start), 'new');
}

async function ended(store: CallStore): Promise<void> {
  await store.claim(claimOf('a'), start);
  await store.settle('key a', Uint8Array.of(1), start);
  await store.acknowledge('request a');
  const later = start + 3_600_000;
  await Promise.all(Array.from({ length: 1100 }, (_, i) => store.claim(claimOf(`k${i}`, later), later)));
  if ((await store.claim(claimOf('a'), start)).verdict === 'new') throw new Error('a call was new twice');
}

async function unacknowledged(store: CallStore): Promise<void> {
  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    await store.claim(claimOf(name), start);
    await store.settle(`key ${name}`, Uint8Array.of(i), start + 3 - i);
  }
  await store.claim(claimOf('running'), start);
  await store.acknowledge('request b');
  await store.acknowledge('request running');
  const listed = (await store.unacknowledged(10)).map(({ request, peer: who, settledAt }) => `${request} ${who} ${settledAt - start}`);
  if (listed.join() !== `request c ${peer} 1,request a ${peer} 3`) throw new Error(`listed: ${listed.join()}`);
  if ((await store.unacknowledged(1)).length !== 1) throw new Error('more than asked for');
  const done = await store.find('request b');
  if (done?.acknowledged !== true || done.answer !== undefined) throw new Error('an acknowledged answer was kept');
}

async function owed(store: CallStore): Promise<void> {
  await store.claim(claimOf('a'), start);
  await store.settle('key a', Uint8Array.of(1), start);
  const later = start + 3_600_000;
  await Promise.all(Array.from({ length: 1100 }, (_, i) => store.claim(claimOf(`k${i}`, later), later)));
  if ((await store.find('request a'))?.answer?.[0] !== 1) throw new Error('it is gone');
}

async function reopened(store: CallStore, reopen: () => Promise<CallStore>): Promise<void> {
  await store.claim(claimOf('a'), start);
  await store.settle('key a', Uint8Array.of(7), start);
  const again = await reopen();
  expectVerdict(await again.claim(claimOf('a'), start), 'seen');
  if ((await again.find('request a'))?.answer?.[0] !== 7) throw new Error('the answer is gone');
}

function expectVerdict({ verdict }: ClaimVerdict, expected: ClaimVerdict['verdict']): void {
  if (verdict !== expected) throw new Error(`expected ${expected}, got ${verdict}`);
}
