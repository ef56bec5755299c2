import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/bytes/concat.ts';
import { encryptAead, importX25519PublicKey } from '#suite';
import { bindBody } from '../../src/session/associated-data.ts';
import { deriveMessageKey } from '../../src/session/chain-key.ts';
import { decodeFrame, encodeFrame } from '../../src/session/frame.ts';
import { encryptHeader, type MessageHeader } from '../../src/session/header.ts';
import { maxSkippedAgeMs, maxSkippedKeys } from '../../src/session/limits.ts';
import type { RatchetState } from '../../src/session/ratchet-state.ts';
import { talosRatchet, type RatchetConstants } from '../../src/session/ratchet-constants.ts';
import { ratchetDecrypt } from '../../src/session/double-ratchet-decrypt.ts';
import { deriveRootStep } from '../../src/session/root-key.ts';
import { decryptMessage, encryptMessage } from '../../src/session/session.ts';
import { encodeSessionState } from '../../src/session/session-state-codec.ts';
import { accept, codeOf, End, establish, flip, utf8, type Pair } from './support.ts';

const authFailed = 'TALOS_SESSION_AUTH_FAILED';
const duplicate = 'TALOS_SESSION_DUPLICATE';

/** A frame that only the peer itself could make: a header of its choice under its present header key; the body opens under the key of `number`. */
function forge(end: End, change: Partial<MessageHeader>): Uint8Array {
  const { turn, previousCount } = end.session.ratchet;
  if (turn.kind !== 'sending') throw new Error('this end has no chain');
  const { chain } = turn;
  const associatedData = end.session.binding.own;
  const nonce = end.env.randomBytes(12);
  const header = { ratchetKey: chain.ownRatchetKey.publicKey.bytes, previousCount, number: chain.nextNumber, ...change };
  const encryptedHeader = encryptHeader(header, { isFirst: true, headerKey: chain.headerKey, nonce, associatedData });
  const key = deriveMessageKey(chain.chainKey).expose();
  const ciphertext = encryptAead({ key, nonce, associatedData: bindBody(associatedData, { nonce, encryptedHeader }), plaintext: utf8('forged') });
  return encodeFrame({ type: 'message', sessionId: end.session.sessionId, nonce, encryptedHeader, ciphertext });
}

/** A chain that has begun and sent nothing: what no honest end ever holds, since it begins one to send. */
function atNumberZero(before: End, begun: End): RatchetState {
  const { turn } = begun.session.ratchet;
  if (turn.kind !== 'sending' || before.session.ratchet.turn.kind !== 'waiting') throw new Error('this end has begun no chain');
  const { chainKey } = deriveRootStep({
    rootKey: before.session.ratchet.rootKey,
    ownRatchetKey: turn.chain.ownRatchetKey,
    peerRatchetKey: before.session.ratchet.turn.peerRatchetKey,
    info: talosRatchet.rootInfo,
  });
  return { ...begun.session.ratchet, turn: { kind: 'sending', chain: { ...turn.chain, chainKey, nextNumber: 0 } } };
}

function lose(end: End, count: number): void {
  for (let i = 0; i < count; i++) end.send('lost');
}

/** Snapshot of all that a refused frame must leave alone. */
const stateOf = (end: End) => ({ session: end.session, bytes: encodeSessionState(end.session) });

describe('double ratchet', () => {
  it('[RAT-EXACTLY-ONCE] a conversation goes back and forth', async () => {
    const { a, b } = await establish('talk');
    for (let i = 0; i < 20; i++) {
      expect(b.receive(a.send(`a${i}`))).toBe(`a${i}`);
      if (i % 3 === 0) expect(a.receive(b.send(`b${i}`))).toBe(`b${i}`);
    }
  });

  it('[RAT-EXACTLY-ONCE] fifty messages in reverse, and one of an older chain', async () => {
    const { a, b } = await establish('reverse');
    const late = a.send('late');
    const frames = Array.from({ length: 50 }, (_, i) => a.send(String(i)));
    expect(frames.toReversed().map((frame) => b.receive(frame))).toEqual(frames.map((_, i) => String(49 - i)));
    for (let i = 0; i < 4; i++) {
      a.receive(b.send('answer'));
      b.receive(a.send('on'));
    }
    expect(b.receive(late)).toBe('late');
    expect(codeOf(() => b.receive(late))).toBe(duplicate);
    expect(b.session.ratchet.skipped.size).toBe(0);
  });

  it('[RAT-COMMIT-AFTER-AUTH] a message frame is refused whichever byte is changed; state and genuine frame are untouched', async () => {
    for (const step of ['same chain', 'new chain'] as const) {
      const { a, b } = await establish('flips');
      if (step === 'new chain') a.receive(b.send('answer'));
      const frame = a.send('genuine');
      const before = stateOf(b);
      for (let i = 0; i < frame.length; i++) for (const mask of [1, 128]) expect(codeOf(() => b.receive(flip(frame, i, mask)))).toBe(authFailed);
      expect(stateOf(b)).toEqual(before);
      expect(b.session).toBe(before.session);
      expect(b.receive(frame)).toBe('genuine');
      expect(a.receive(b.send('and back'))).toBe('and back');
    }
  });

  it('[RAT-REFUSE-SPLICE] a frame of another session, also under its id, changes nothing', async () => {
    const [here, there] = [await establish('here'), await establish('there')];
    const foreign = there.a.send('foreign');
    const before = stateOf(here.b);
    expect(codeOf(() => here.b.receive(foreign))).toBe(authFailed);
    const renamed = encodeFrame({ ...decodeFrame(foreign), sessionId: here.b.session.sessionId });
    expect(codeOf(() => here.b.receive(renamed))).toBe(authFailed);
    expect(stateOf(here.b)).toEqual(before);
    expect(here.b.receive(here.a.send('own'))).toBe('own');
  });

  it('[RAT-REFUSE-SPLICE] header, nonce and body of two genuine frames cannot be mixed', async () => {
    const { a, b } = await establish('splice');
    const [one, two] = [decodeFrame(a.send('one')), decodeFrame(a.send('two'))];
    const mixes = [
      { ...one, ciphertext: two.ciphertext },
      { ...one, nonce: two.nonce },
      { ...one, encryptedHeader: two.encryptedHeader },
    ];
    for (const mix of mixes) expect(codeOf(() => b.receive(encodeFrame(mix)))).toBe(authFailed);
    expect(b.receive(encodeFrame(one))).toBe('one');
    expect(b.receive(encodeFrame(two))).toBe('two');
  });

  it('[RAT-REFUSE-REFLECTION] a frame that comes back to its sender is refused', async () => {
    const { a, b } = await establish('reflect');
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const frame = from.send('mirror');
      expect(codeOf(() => from.receive(frame))).toBe(authFailed);
      expect(to.receive(frame)).toBe('mirror');
    }
  });

  it('[RAT-REFUSE-REPLAY] the same frame, or a genuine header with another body, is a duplicate', async () => {
    const { a, b } = await establish('replay');
    const frame = a.send('once');
    expect(b.receive(frame)).toBe('once');
    const before = b.session;
    expect(codeOf(() => b.receive(frame))).toBe(duplicate);
    expect(codeOf(() => b.receive(flip(frame, frame.length - 1)))).toBe(duplicate);
    expect(b.session).toBe(before);
    expect(b.receive(a.send('next'))).toBe('next');
  });

  it('[RAT-NO-KEY-REUSE] a sender that was rolled back uses the same key with another nonce', async () => {
    const { a } = await establish('rollback');
    const copy = new End(a.session, a.env);
    const [first, second] = [decodeFrame(a.send('the same length')), decodeFrame(copy.send('another text!!!'))];
    expect(first.nonce).not.toEqual(second.nonce);
    expect(first.ciphertext.subarray(0, 15)).not.toEqual(second.ciphertext.subarray(0, 15));
    // One key and one nonce would give away the xor of the texts.
    const xor = (x: Uint8Array, y: Uint8Array) => x.map((byte, i) => byte ^ y[i]!);
    const texts = xor(new TextEncoder().encode('the same length'), new TextEncoder().encode('another text!!!'));
    expect(xor(first.ciphertext.subarray(0, 15), second.ciphertext.subarray(0, 15))).not.toEqual(texts);
  });

  it('[RAT-HUGE-NUMBER] a header that names message 2^31 costs no derivation and no state', async () => {
    const { a, b } = await establish('huge');
    lose(a, 1);
    const frame = forge(a, { number: 2 ** 31 });
    const before = b.session;
    const startedAt = performance.now();
    for (let i = 0; i < 200; i++) expect(b.open(frame).plaintext).toBeUndefined();
    // Two HMACs for each number would take an hour; 200 refusals are a few milliseconds.
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(b.session.ratchet).toBe(before.ratchet);
    expect(b.session.ratchet.skipped.size).toBe(0);
  });

  it('[RAT-EXACTLY-ONCE] behind a message that opened, the present chain’s header key is tried first, and the next chain’s still', async () => {
    const { a, b } = await establish('order of trials');
    b.receive(a.send('first'));
    a.receive(b.send('answer'));
    b.receive(a.send('second'));
    const late = a.send('of the present chain');
    a.receive(b.send('and on'));
    const next = a.send('of the next chain');
    const trialsFor = (frame: Uint8Array, followsOpened: boolean) => {
      let trials = 0;
      const constants: RatchetConstants = { ...talosRatchet, openHeader: (...input) => (trials++, talosRatchet.openHeader(...input)) };
      const { ratchet, binding } = b.session;
      const { plaintext } = ratchetDecrypt(ratchet, { message: decodeFrame(frame), binding: binding.peer, now: 0, followsOpened, constants });
      return [trials, new TextDecoder().decode(plaintext)];
    };
    expect([trialsFor(late, false), trialsFor(late, true)]).toEqual([2, 1].map((trials) => [trials, 'of the present chain']));
    expect([trialsFor(next, false), trialsFor(next, true)]).toEqual([1, 2].map((trials) => [trials, 'of the next chain']));
  });

  it('[RAT-BOUNDS] 2,000 missing messages are bridged, one more is not', async () => {
    const { a, b } = await establish('bound');
    lose(a, 2000);
    const within = a.send('within');
    expect(new End(b.session, b.env).receive(within)).toBe('within');
    const beyond = a.send('beyond');
    const opened = new End(b.session, b.env).open(beyond);
    expect([opened.plaintext, opened.lost]).toEqual([undefined, 2002]);
    expect(opened.session.ratchet).toBe(b.session.ratchet);
  });

  it('[RAT-HEALS] after more losses than the bound in one chain, the next answer heals it', async () => {
    const { a, b } = await establish('heal');
    lose(a, 2600);
    expect(b.open(a.send('beyond')).lost).toBe(2601);
    expect(a.receive(b.send('answer'))).toBe('answer');
    const opened = b.open(a.send('healed'));
    expect([new TextDecoder().decode(opened.plaintext), opened.lost]).toEqual(['healed', 2601]);
    expect(a.receive(b.send('on'))).toBe('on');
  });

  it('[RAT-HEALS] after a whole new chain was lost beyond the bound, the answer to its header heals it', async () => {
    const { a, b } = await establish('heal new chain');
    a.receive(b.send('answer'));
    lose(a, 2600);
    // No message of this chain ever arrived: only its ratchet key, taken from the genuine header, lets the answer carry a new one.
    expect(b.open(a.send('beyond')).lost).toBe(2601);
    expect(a.receive(b.send('answer'))).toBe('answer');
    expect(b.receive(a.send('healed'))).toBe('healed');
    expect(a.receive(b.send('on'))).toBe('on');
  });

  it('[RAT-BOUNDS] the oldest skipped keys give way, old chains too, and age ends both', async () => {
    const { a, b, env } = await establish('skipped');
    const lost: Uint8Array[] = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 900; i++) lost.push(a.send(String(lost.length)));
      b.receive(a.send('on'));
      a.receive(b.send('answer'));
    }
    expect(b.session.ratchet.skipped.size).toBe(maxSkippedKeys);
    expect(codeOf(() => b.receive(lost[0]!))).toBe(duplicate);
    expect(b.receive(lost.at(-1)!)).toBe(String(lost.length - 1));
    for (let round = 0; round < 8; round++) {
      a.receive(b.send('answer'));
      b.receive(a.send('on'));
    }
    expect(b.session.ratchet.oldChains.length).toBe(5);
    expect(b.session.ratchet.skipped.size).toBe(0);
    expect(codeOf(() => b.receive(lost.at(-2)!))).toBe(authFailed);
    const late = a.send('late');
    b.receive(a.send('on'));
    const aWeekLater = a.send('a week later');
    env.advance(maxSkippedAgeMs + 1);
    b.receive(aWeekLater);
    expect(b.session.ratchet.skipped.size).toBe(0);
    expect(codeOf(() => b.receive(late))).toBe(duplicate);
  });

  it('[SES-ALL-ZERO] a genuine header with a ratchet key of small order is refused', async () => {
    const { a, b } = await establish('weak');
    a.receive(b.send('answer'));
    a.send('own chain');
    const frame = forge(a, { ratchetKey: importX25519PublicKey(new Uint8Array(32)).bytes, number: 0 });
    const before = b.session;
    expect(codeOf(() => b.receive(frame))).toBe('TALOS_SESSION_WEAK_PEER_KEY');
    expect(b.session).toBe(before);
  });

  it('[RAT-EXACTLY-ONCE] a peer that changes its ratchet key within a chain or slips in a post-quantum part is refused', async () => {
    const { a, b } = await establish('malicious');
    expect(b.receive(a.send('one'))).toBe('one');
    const before = b.session;
    expect(codeOf(() => b.receive(forge(a, { kemPublicKey: new Uint8Array(1184) })))).toBe(authFailed);
    expect(codeOf(() => b.receive(forge(a, { kemCiphertext: new Uint8Array(1088) })))).toBe(authFailed);
    expect(codeOf(() => b.receive(forge(a, { ratchetKey: new Uint8Array(32).fill(9) })))).toBe(authFailed);
    expect(b.session).toBe(before);
    // The same frame with an honest header opens: it was the header that was refused.
    expect(new End(b.session, b.env).receive(forge(a, {}))).toBe('forged');
    expect(b.receive(a.send('two'))).toBe('two');
  });

  it('[RAT-EXACTLY-ONCE] a peer that counts fewer messages than were opened, or some before the first, is refused', async () => {
    const { a, b, meeting } = await establish('miscount');
    a.receive(b.send('answer'));
    const fresh = new End(a.session, a.env);
    fresh.send('begins the chain');
    const chainBegun = new End({ ...fresh.session, ratchet: atNumberZero(a, fresh) }, a.env);
    expect(new End(b.session, b.env).receive(forge(chainBegun, { number: 0 }))).toBe('forged');
    expect(codeOf(() => b.receive(forge(chainBegun, { number: 0, previousCount: 0 })))).toBe(authFailed);
    const first = { ...meeting.initiated, ratchet: { ...meeting.initiated.ratchet, previousCount: 1 } };
    expect(codeOf(() => accept(meeting, new End(first, meeting.env).send('x')))).toBe('TALOS_SESSION_BAD_HANDSHAKE');
  });

  it('[RAT-FORWARD-SECRET] the state after a message opens neither that message nor the chain before', async () => {
    const { a, b } = await establish('forward');
    const frame = a.send('past');
    expect(b.receive(frame)).toBe('past');
    expect(codeOf(() => new End(b.session, b.env).receive(frame))).toBe(duplicate);
    a.receive(b.send('answer'));
    b.receive(a.send('next chain'));
    expect(codeOf(() => new End(b.session, b.env).receive(frame))).toBe(duplicate);
    // A stolen state does not help after the next step on both sides.
    const stolen = new End(b.session, b.env);
    a.receive(b.send('healing'));
    b.receive(a.send('healed'));
    a.receive(b.send('and again'));
    expect(codeOf(() => stolen.receive(a.send('out of reach')))).toBe(authFailed);
  });

  it('[RAT-HEADER-HIDDEN] frames show no ratchet key, and no two share more than their fixed head', async () => {
    const { a } = await establish('hidden');
    const frames = [a.send('same'), a.send('same')];
    const { turn } = a.session.ratchet;
    const ratchetKey = turn.kind === 'sending' ? Buffer.from(turn.chain.ownRatchetKey.publicKey.bytes) : Buffer.alloc(0);
    for (const frame of frames) expect(Buffer.from(frame).includes(ratchetKey)).toBe(false);
    const [one, two] = frames as [Uint8Array, Uint8Array];
    expect(one.subarray(0, 18)).toEqual(two.subarray(0, 18));
    const shared = one.subarray(32, 89).filter((byte, i) => byte === two[32 + i]).length;
    expect(shared).toBeLessThan(8);
  });

  it('[RAT-COMMIT-AFTER-AUTH] what is wiped after a commit is needed by no later state', async () => {
    const pair: Pair = await establish('wipe');
    const wipe = (secrets: readonly { wipe(): void }[]) => secrets.forEach((secret) => secret.wipe());
    const states = { a: pair.a.session, b: pair.b.session };
    const send = (from: 'a' | 'b') => {
      const sent = encryptMessage(states[from], new Uint8Array(3), pair.env);
      states[from] = sent.session;
      wipe(sent.consumed);
      return sent.frame;
    };
    const receive = (to: 'a' | 'b', frame: Uint8Array) => {
      const opened = decryptMessage(states[to], decodeFrame(frame), pair.env);
      states[to] = opened.session;
      wipe(opened.consumed);
      return opened.plaintext;
    };
    for (let round = 0; round < 8; round++) {
      const [late, on, last] = [send('a'), send('a'), send('a')];
      expect(receive('b', on)).toBeDefined();
      expect(receive('b', late)).toBeDefined();
      const answer = send('b');
      expect(receive('b', last)).toBeDefined();
      expect(receive('a', answer)).toBeDefined();
      expect(encodeSessionState(states.b).length).toBeGreaterThan(0);
    }
  });

  it('[FRM-STRICT] bytes after a frame are part of its body and do not open', async () => {
    const { a, b } = await establish('trailing');
    expect(codeOf(() => b.receive(concatBytes(a.send('m'), Uint8Array.of(0))))).toBe(authFailed);
  });
});
