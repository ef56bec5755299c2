import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../src/session/frame.ts';
import { maxFrameBytes } from '../../src/session/limits.ts';
import { decodeOpening } from '../../src/session/opening.ts';
import { encodeSessionState } from '../../src/session/session-state-codec.ts';
import { accept, codeOf, End, establish, meet, seededEnv } from './support.ts';

const frames = process.env.TALOS_DEEP === '1' ? 1_000_000 : 10_000;

/** A small fast generator for lengths and places; what is cryptographic comes from the seeded environment. */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const oversized = new Uint8Array(maxFrameBytes + 1000);

function mutate(frame: Uint8Array, roll: (below: number) => number, random: (length: number) => Uint8Array): Uint8Array {
  switch (roll(8)) {
    case 7:
      // The right head before more than a frame may have.
      oversized.set(frame);
      return oversized.subarray(0, maxFrameBytes + 1 + roll(1000));
    case 0:
      return random(roll(400));
    case 1:
      return frame.slice(0, roll(frame.length));
    case 2:
      return Uint8Array.from([...frame, ...random(1 + roll(64))]);
    case 3: {
      const copy = Uint8Array.from(frame);
      for (let i = 0; i <= roll(8); i++) copy[roll(copy.length)]! ^= 1 + roll(255);
      return copy;
    }
    case 4: {
      const copy = Uint8Array.from(frame);
      const at = roll(copy.length);
      copy.set(random(Math.min(32, copy.length - at)), at);
      return copy;
    }
    case 5:
      // The right head and session, everything after it noise.
      return Uint8Array.from([...frame.subarray(0, 18), ...random(roll(300))]);
    default: {
      const at = roll(frame.length);
      return Uint8Array.from([...frame.subarray(0, at), ...frame.subarray(Math.min(frame.length, at + 1 + roll(40)))]);
    }
  }
}

describe('hostile frames', () => {
  it(`[FRM-HOSTILE] ${frames} hostile message frames: a code each, no change`, async () => {
    const { a, b } = await establish('hostile');
    a.receive(b.send('answer'));
    const genuine = [a.send('one'), a.send('two'), a.send('three')];
    const [roll, env] = [dice(1), seededEnv('noise')];
    const before = b.session;
    const bytes = encodeSessionState(before);
    const codes = new Set<string>();
    for (let i = 0; i < frames; i++) {
      const frame = mutate(genuine[i % 3]!, roll, (length) => env.randomBytes(length));
      if (genuine.some((each) => each.length === frame.length && Buffer.compare(each, frame) === 0)) continue;
      codes.add(codeOf(() => b.receive(frame)));
      if (b.session !== before) throw new Error('the state moved');
    }
    expect([...codes]).toEqual(['TALOS_SESSION_AUTH_FAILED']);
    expect(encodeSessionState(b.session)).toEqual(bytes);
    expect(genuine.map((frame) => b.receive(frame))).toEqual(['one', 'two', 'three']);
  });

  it('[FRM-HOSTILE] hostile initial frames: a code each, and the genuine one opens', async () => {
    const meeting = await meet('hostile initial');
    const genuine = new End(meeting.initiated, meeting.env).send('first');
    const [roll, env] = [dice(2), seededEnv('noise')];
    const codes = new Set<string>();
    for (let i = 0; i < frames / 20; i++) {
      const frame = mutate(genuine, roll, (length) => env.randomBytes(length));
      if (Buffer.compare(frame, genuine) !== 0) codes.add(codeOf(() => accept(meeting, frame)));
    }
    expect([...codes].toSorted()).toEqual(['TALOS_SESSION_AUTH_FAILED', 'TALOS_SESSION_BAD_HANDSHAKE']);
    expect(codeOf(() => accept(meeting, genuine))).toBe('no error');
  });
});

describe('frame', () => {
  it('[FRM-STRICT] truncated, oversized and foreign frames are refused with the one code', async () => {
    const { a, meeting } = await establish('strict');
    const initial = new End(meeting.initiated, meeting.env).send('i');
    for (const frame of [a.send('m'), initial]) {
      expect(encodeFrame(decodeFrame(frame))).toEqual(frame);
      for (const [at, value] of [
        [0, 2],
        [1, 3],
        [1, 0],
      ] as const)
        expect(codeOf(() => decodeFrame(frame.with(at, value)))).toBe('TALOS_SESSION_AUTH_FAILED');
    }
    for (let length = 0; length < 105; length++) expect(codeOf(() => decodeFrame(a.send('').subarray(0, length)))).toBe('TALOS_SESSION_AUTH_FAILED');
    expect(codeOf(() => decodeFrame(new Uint8Array(2 ** 20 + 1)))).toBe('TALOS_SESSION_AUTH_FAILED');
    expect(codeOf(() => a.send('x'.repeat(2 ** 20)))).toBe('TALOS_SESSION_LIMIT');
  });

  it('[FRM-STRICT] a truncated opening, a trailing byte, an unknown mode or presence is refused', async () => {
    const meeting = await meet('opening');
    const { opening } = meeting.initiated.unanswered!;
    const decode = (bytes: Uint8Array) => codeOf(() => decodeOpening(bytes));
    expect(decode(opening)).toBe('no error');
    for (let length = 0; length < opening.length; length += 11) expect(decode(opening.subarray(0, length))).not.toBe('no error');
    expect(decode(Uint8Array.from([...opening, 0]))).toBe('TALOS_ENCODING_BYTES');
    expect(decode(opening.with(0, 3))).toBe('TALOS_ENCODING_BYTES');
  });

  it('[FRM-OVERHEAD] an ordinary frame adds at most 108 bytes', async () => {
    const { a } = await establish('overhead');
    // One more byte is the kind of the contents.
    expect(a.send('x'.repeat(256)).length - 256 + 1).toBeLessThanOrEqual(108);
  });
});
