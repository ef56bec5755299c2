/** What every approval store must keep, as cases that any test runner can run. A case resolves, or throws an error that says what differed. @module */
import type { ApprovalStore, StoredRequest } from '../capability/approval-store.ts';
import { storeSuite, type ConformanceCase, type StoreCase, type StoreUnderTest } from './conformance.ts';

/** `create` gives an empty store; `reopen` opens the same data again, where there is such a thing. */
export type ApprovalStoreSource = {
  create(): Promise<StoreUnderTest<ApprovalStore>>;
};

export function approvalStoreSuite(source: ApprovalStoreSource): readonly ConformanceCase[] {
  return storeSuite(cases, () => source.create());
}

const cases: readonly StoreCase<ApprovalStore>[] = [
  { name: 'what is not there is undefined or empty', check: empty },
  { name: 'requests are found by id and by place, oldest first', check: places },
  { name: 'an approver answers a request once, and none that is not there', check: answers },
  { name: 'a request takes its answers with it', check: removed },
  { name: 'ended requests go when a new one comes', check: ended },
  { name: 'everything is there after opening again', check: reopened },
];

const request = (id: string, more: Partial<StoredRequest> = {}): StoredRequest => ({ id, place: 'p', body: `body of ${id}`, until: 1000, ...more });

async function empty(store: ApprovalStore): Promise<void> {
  equal('request', await store.request('none'), undefined);
  equal('requests', (await store.requests()).length + (await store.requests('p')).length, 0);
  equal('answers', (await store.answers('none')).length, 0);
  await store.removeRequest('none');
}

async function places(store: ApprovalStore): Promise<void> {
  await store.addRequest(request('z', { until: 900 }), 0);
  await store.addRequest(request('a'), 0);
  await store.addRequest(request('m', { place: 'q', until: 2000 }), 0);
  equal('body', (await store.request('z'))?.body, 'body of z');
  equal('place', (await store.requests('p')).map(({ id }) => id).join(), 'z,a');
  equal('all', (await store.requests()).map(({ id }) => id).join(), 'z,a,m');
}

async function answers(store: ApprovalStore): Promise<void> {
  await store.addRequest(request('r'), 0);
  equal('first', await store.addAnswer({ request: 'r', approver: 'ann', token: 'deny' }), true);
  equal('second', await store.addAnswer({ request: 'r', approver: 'ann', token: 'allow' }), false);
  equal('another', await store.addAnswer({ request: 'r', approver: 'bob', token: 'allow' }), true);
  equal('nothing', await store.addAnswer({ request: 'none', approver: 'ann', token: 'allow' }), false);
  const kept = await store.answers('r');
  equal(
    'kept',
    kept
      .map(({ approver, token }) => `${approver} ${token}`)
      .toSorted()
      .join(),
    'ann deny,bob allow',
  );
}

async function removed(store: ApprovalStore): Promise<void> {
  await store.addRequest(request('r'), 0);
  await store.addAnswer({ request: 'r', approver: 'ann', token: 't' });
  await store.removeRequest('r');
  equal('request', await store.request('r'), undefined);
  await store.addRequest(request('r'), 0);
  equal('answers', (await store.answers('r')).length, 0);
}

async function ended(store: ApprovalStore): Promise<void> {
  await store.addRequest(request('old', { until: 500 }), 0);
  await store.addAnswer({ request: 'old', approver: 'ann', token: 't' });
  await store.addRequest(request('edge', { until: 600 }), 0);
  await store.addRequest(request('new'), 599);
  equal('left', (await store.requests()).map(({ id }) => id).join(), 'edge,new');
  equal('answers', (await store.answers('old')).length, 0);
}

async function reopened(store: ApprovalStore, reopen: () => Promise<ApprovalStore>): Promise<void> {
  await store.addRequest(request('r'), 0);
  await store.addAnswer({ request: 'r', approver: 'ann', token: 't' });
  const again = await reopen();
  equal('request', (await again.requests('p')).length, 1);
  equal('answer', (await again.answers('r'))[0]?.token, 't');
}

function equal(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}
