import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHex } from '../../src/bytes/hex.ts';
import type { Env } from '../../src/env/env.ts';
import { openBatch, readArrival, type Arrival, type OpenedFrame } from '../../src/message/open-batch.ts';
import { decodeFrame, type Frame } from '../../src/session/frame.ts';
import { maxOldChains } from '../../src/session/limits.ts';
import type { RatchetState } from '../../src/session/ratchet-state.ts';
import type { SessionWrites } from '../../src/session/session-store.ts';
import { decodeSessionState, encodeSessionState, encodeSkippedKey } from '../../src/session/session-state-codec.ts';
import { codeOf, End, establish, flip, type Pair } from './support.ts';

/** What the wire and the machines may do. `index` picks one of the frames that were ever sent to that side. */
type Step =
  | { readonly kind: 'send'; readonly from: 0 | 1 }
  /** Sent, and delivered before anything else: what makes chains alternate. */
  | { readonly kind: 'exchange'; readonly from: 0 | 1 }
  | { readonly kind: 'deliver' | 'repeat' | 'drop' | 'corrupt' | 'reflect'; readonly to: 0 | 1; readonly index: number }
  /** Several of them at once, some damaged: what one commit keeps. */
  | { readonly kind: 'batch'; readonly to: 0 | 1; readonly picks: readonly { readonly index: number; readonly isDamaged: boolean }[] }
  /** The state goes through the store and comes back. */
  | { readonly kind: 'restart'; readonly at: 0 | 1 }
  /** An hour passes: the next chain to begin offers a post-quantum step. */
  | { readonly kind: 'hour' };

const side = fc.constantFrom<0 | 1>(0, 1);
const pick = fc.record({ index: fc.nat(200), isDamaged: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('send' as const), from: side }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('deliver' as const, 'repeat' as const, 'drop' as const, 'corrupt' as const, 'reflect' as const),
      to: side,
      index: fc.nat(200),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), at: side }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('exchange' as const), from: side }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'hour' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('batch' as const), to: side, picks: fc.array(pick, { minLength: 1, maxLength: 12 }) }) },
);

type Flight = { readonly frame: Uint8Array; readonly text: string; readonly ratchetKey: string; opened: boolean };

class Model {
  readonly ends: readonly [End, End];
  /** Frames by receiver. */
  readonly sent: readonly [Flight[], Flight[]] = [[], []];
  readonly keys = new Set<string>();
  /** Post-quantum steps by what became of them at either end. */
  readonly steps = { offered: 0, answered: 0, done: 0 };
  readonly batched = { opened: 0, duplicate: 0, refused: 0 };
  readonly #env: Env;
  #hours = 0;
  readonly #chains: readonly [Map<string, number>, Map<string, number>] = [new Map(), new Map()];
  #count = 0;

  /** Time is the run's own: a session does not age over the runs. */
  constructor(pair: Pair) {
    this.#env = { ...pair.env, now: () => pair.env.now() + this.#hours * 3_600_000 };
    this.ends = [new End(pair.a.session, this.#env), new End(pair.b.session, this.#env)];
  }

  run(each: Step): void {
    if (each.kind === 'send') return this.send(each.from);
    if (each.kind === 'exchange') return this.exchange(each.from);
    if (each.kind === 'restart') return this.restart(each.at);
    if (each.kind === 'hour') return void this.#hours++;
    if (each.kind === 'batch') return this.batch(each.to, each.picks);
    const flights = this.sent[each.to];
    const flight = flights[flights.length === 0 ? 0 : each.index % flights.length];
    if (flight === undefined || each.kind === 'drop') return;
    if (each.kind === 'corrupt') return this.refuse(each.to, flip(flight.frame, each.index % flight.frame.length), flight.opened);
    if (each.kind === 'reflect') return this.refuse(each.to === 0 ? 1 : 0, flight.frame, false);
    this.deliver(each.to, flight);
  }

  send(from: 0 | 1): void {
    // The first byte is a kind of contents: text.
    const text = `\u0001message ${this.#count++}`;
    const end = this.ends[from];
    const before = end.session.ratchet.postQuantum.step.kind;
    const frame = end.send(text);
    const { turn, postQuantum } = end.session.ratchet;
    const step = postQuantum.step.kind;
    if (step !== before && (step === 'offered' || step === 'answered')) this.steps[step]++;
    // Every header of a chain has the whole part, and an ordinary one has none.
    const headerBytes = decodeFrame(frame).encryptedHeader.length - 57;
    assert.equal(headerBytes, step === 'offered' ? 1184 : step === 'answered' ? 1088 : 0);
    if (turn.kind !== 'sending') throw new Error('a sender has a chain');
    // The key of a message is its place: ratchet key and number. With its nonce it is never seen again.
    const ratchetKey = encodeHex(turn.chain.ownRatchetKey.publicKey.bytes);
    const place = `${ratchetKey}/${turn.chain.nextNumber}/${encodeHex(decodeFrame(frame).nonce)}`;
    assert.equal(this.keys.has(place), false);
    this.keys.add(place);
    this.sent[from === 0 ? 1 : 0].push({ frame, text, ratchetKey, opened: false });
  }

  exchange(from: 0 | 1): void {
    this.send(from);
    const to = from === 0 ? 1 : 0;
    this.deliver(to, this.sent[to].at(-1)!);
  }

  deliver(to: 0 | 1, flight: Flight): void {
    if (flight.opened) return this.refuse(to, flight.frame, true);
    if (this.isTooOld(to, flight)) return this.refuse(to, flight.frame, true);
    const before = this.ends[to].session.ratchet.postQuantum;
    assert.equal(this.ends[to].receive(flight.frame), flight.text);
    const after = this.ends[to].session.ratchet.postQuantum;
    if (before.step.kind === 'offered' && after.step.kind !== 'offered') {
      assert.equal(after.dhSteps, 0);
      this.steps.done++;
    }
    flight.opened = true;
    const { receiving } = this.ends[to].session.ratchet;
    this.#chains[to].set(encodeHex(receiving!.peerRatchetKey.bytes), receiving!.id);
  }

  /** One by one on this end, and the same frames at once on the state before: both come to the same. */
  batch(to: 0 | 1, picks: readonly { readonly index: number; readonly isDamaged: boolean }[]): void {
    const end = this.ends[to];
    const before = end.session;
    const flights = this.sent[to];
    const arrivals: Arrival[] = [];
    const outcomes: string[] = [];
    for (const { index, isDamaged } of picks) {
      const flight = flights[index % Math.max(1, flights.length)];
      if (flight === undefined) continue;
      // Behind what makes it a frame at all.
      const bytes = isDamaged ? flip(flight.frame, 20 + (index % (flight.frame.length - 20))) : flight.frame;
      const frame = frameOf(bytes);
      if (frame === undefined) continue;
      arrivals.push(readArrival(bytes));
      outcomes.push(isDamaged ? this.outcomeOf(to, bytes) : this.deliverOnce(to, flight));
    }
    const budget = { maxTrials: () => 7, spend: () => undefined };
    const batch = openBatch(arrivals, { state: before, version: 1, now: this.#env.now(), budget });
    assert.deepEqual(batch.frames.map(nameOutcome), outcomes);
    assert.deepEqual(encodeSessionState(batch.state), encodeSessionState(end.session));
    assert.equal(
      batch.isChanged,
      outcomes.some((outcome) => outcome.startsWith('opened')),
    );
    assertSkipped(batch.writes, { before: before.ratchet.skipped, after: end.session.ratchet.skipped });
    end.session = batch.state;
    for (const outcome of outcomes) this.batched[outcome.split(' ')[0] as keyof Model['batched']]++;
  }

  deliverOnce(to: 0 | 1, flight: Flight): string {
    const isRefused = flight.opened || this.isTooOld(to, flight);
    if (isRefused) return this.outcomeOf(to, flight.frame);
    this.deliver(to, flight);
    return `opened ${flight.text}`;
  }

  outcomeOf(to: 0 | 1, frame: Uint8Array): string {
    const code = codeOf(() => this.ends[to].receive(frame));
    return code === 'TALOS_SESSION_DUPLICATE' ? 'duplicate' : code === 'TALOS_SESSION_AUTH_FAILED' ? 'refused' : code;
  }

  /** More than five chains have closed over it: the one loss that the bounds allow in a run as short as these. */
  isTooOld(to: 0 | 1, flight: Flight): boolean {
    const { receiving } = this.ends[to].session.ratchet;
    const own = [...this.sent[to].map((each) => each.ratchetKey), flight.ratchetKey];
    const newer = new Set(own.slice(own.indexOf(flight.ratchetKey)));
    newer.delete(flight.ratchetKey);
    return [...newer].filter((key) => (this.#chains[to].get(key) ?? Infinity) <= receiving!.id).length > maxOldChains;
  }

  refuse(to: 0 | 1, frame: Uint8Array, wasOpened: boolean): void {
    const end = this.ends[to];
    const before = end.session;
    const bytes = encodeSessionState(before);
    const code = codeOf(() => end.receive(frame));
    assert.ok(code === 'TALOS_SESSION_AUTH_FAILED' || (wasOpened && code === 'TALOS_SESSION_DUPLICATE'), code);
    assert.equal(end.session, before);
    assert.deepEqual(encodeSessionState(end.session), bytes);
  }

  restart(at: 0 | 1): void {
    const end = this.ends[at];
    const rows = [...end.session.ratchet.skipped.values()].map(encodeSkippedKey);
    end.session = decodeSessionState(encodeSessionState(end.session), rows);
  }
}

function frameOf(bytes: Uint8Array): Frame | undefined {
  try {
    return decodeFrame(bytes);
  } catch {
    return undefined;
  }
}

/** Rows that are written one by one come to the keys that the state has; none is added twice, none is removed that is not there. */
function assertSkipped(
  writes: Pick<SessionWrites, 'skippedAdded' | 'skippedRemoved'>,
  { before, after }: { readonly before: RatchetState['skipped']; readonly after: RatchetState['skipped'] },
): void {
  const rows = new Set<string>(before.keys());
  for (const { chain, number } of writes.skippedAdded ?? []) assert.equal(rows.has(`${chain}/${number}`), false);
  for (const { chain, number } of writes.skippedAdded ?? []) rows.add(`${chain}/${number}`);
  for (const { chain, number } of writes.skippedRemoved ?? []) assert.equal(rows.delete(`${chain}/${number}`), true);
  assert.deepEqual([...rows].toSorted(), [...after.keys()].toSorted());
}

function nameOutcome(frame: OpenedFrame): string {
  return frame.kind === 'message' ? `opened ${new TextDecoder().decode(frame.row?.contents)}` : frame.kind;
}

describe('double ratchet, any order of events', () => {
  it('[RAT-EXACTLY-ONCE] [RAT-COMMIT-AFTER-AUTH] [RAT-NO-KEY-REUSE] [RAT-POST-QUANTUM] [MSG-BATCH-ISOLATION] each text is opened once, everything else changes nothing', async () => {
    const pair = await establish('model');
    const total = { offered: 0, answered: 0, done: 0 };
    const batched = { opened: 0, duplicate: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
        const model = new Model(pair);
        for (const each of steps) model.run(each);
        // Nothing was dropped for good: what is still on the way arrives, in any order, unless five newer chains closed over it.
        model.exchange(0);
        model.exchange(1);
        expect(model.sent[0].at(-1)!.opened && model.sent[1].at(-1)!.opened).toBe(true);
        for (const kind of ['offered', 'answered', 'done'] as const) total[kind] += model.steps[kind];
        for (const kind of ['opened', 'duplicate', 'refused'] as const) batched[kind] += model.batched[kind];
      }),
      { seed: 20_260_101, numRuns: process.env.TALOS_DEEP === '1' ? 5000 : 150 },
    );
    for (const count of Object.values(batched)) expect(count).toBeGreaterThan(25);
    // Steps were begun and finished, and none was finished that was not answered.
    expect(total.done).toBeGreaterThan(process.env.TALOS_DEEP === '1' ? 1000 : 25);
    expect(total.answered).toBeGreaterThanOrEqual(total.done);
    expect(total.offered).toBeGreaterThanOrEqual(total.answered);
  });
});
