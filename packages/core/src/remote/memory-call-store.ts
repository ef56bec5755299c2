import type { Env } from '../env/env.ts';
import { clockSkewSeconds } from '../capability/bounds.ts';
import { unacknowledgedLifeMs } from './bounds.ts';
import type { CallClaim, CallStore, ClaimVerdict, StoredCall } from './call-store.ts';

const firstSweep = 1024;
/** About 200 MB of ids and requests; answers go as they are countersigned. */
const maxCalls = 100_000;

type Row = { readonly claim: CallClaim; answer: Uint8Array | undefined; settledAt: number | undefined; acknowledged: boolean };

/** Calls in memory: after a restart every request that was made before it is refused. */
export function memoryCallStore(env: Pick<Env, 'now'>): CallStore {
  // Claims are in whole seconds. Nothing was served before: a request of this very second cannot have been run by this store's agent.
  const since = Math.floor(env.now() / 1000) * 1000;
  const rows = new Map<string, Row>();
  const byRequest = new Map<string, Row>();
  let purgedBefore = 0;
  let sweepAt = firstSweep;
  const sweep = (nowMs: number): void => {
    purgedBefore = Math.max(purgedBefore, nowMs - clockSkewSeconds * 1000);
    for (const [id, row] of rows) {
      if (row.claim.until > purgedBefore || isDue(row, nowMs)) continue;
      rows.delete(id);
      byRequest.delete(row.claim.request);
    }
    sweepAt = Math.min(maxCalls, Math.max(firstSweep, rows.size * 2));
  };
  const claim = (made: CallClaim, nowMs: number): ClaimVerdict => {
    const present = rows.get(made.id);
    if (present !== undefined) return { verdict: 'seen', call: storedCall(present) };
    if (rows.size >= sweepAt) sweep(nowMs);
    if (made.from < since || made.until <= purgedBefore) return { verdict: 'unknown' };
    if (rows.size >= maxCalls) return { verdict: 'full' };
    const row = { claim: { ...made }, answer: undefined, settledAt: undefined, acknowledged: false };
    rows.set(made.id, row);
    byRequest.set(made.request, row);
    return { verdict: 'new' };
  };
  return {
    claim: async (made, nowMs) => claim(made, nowMs),
    settle: async (id, answer, nowMs) => {
      const row = rows.get(id);
      if (row === undefined) return undefined;
      if (row.settledAt === undefined) {
        row.answer = Uint8Array.from(answer);
        row.settledAt = nowMs;
      }
      return row.answer && Uint8Array.from(row.answer);
    },
    find: async (request) => {
      const row = byRequest.get(request);
      return row && storedCall(row);
    },
    acknowledge: async (request) => {
      const row = byRequest.get(request);
      if (row?.settledAt === undefined) return;
      row.acknowledged = true;
      row.answer = undefined;
    },
    unacknowledged: async (limit) =>
      [...rows.values()]
        .filter((row) => row.settledAt !== undefined && !row.acknowledged)
        .toSorted((a, b) => (a.settledAt as number) - (b.settledAt as number))
        .slice(0, limit)
        .map(({ claim: { request, peer }, settledAt }) => ({ request, peer, settledAt: settledAt as number })),
  };
}

/** Nobody has countersigned it, and it is not yet too old to expect that. */
function isDue({ settledAt, acknowledged }: Row, nowMs: number): boolean {
  return settledAt !== undefined && !acknowledged && settledAt > nowMs - unacknowledgedLifeMs;
}

function storedCall({ claim: { id, request, peer, token }, answer, settledAt, acknowledged }: Row): StoredCall {
  const base = { id, request, peer, token, acknowledged };
  return { ...base, ...(answer === undefined ? {} : { answer: Uint8Array.from(answer) }), ...(settledAt === undefined ? {} : { settledAt }) };
}
