/** The checks of `test/vectors/talos/v1/session.json`, run under each suite by a file of its own. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeHex } from '../../../src/bytes/hex.ts';
import { decodeFrame } from '../../../src/session/frame.ts';
import { decodeSessionState } from '../../../src/session/session-state-codec.ts';
import { codeOf, End, flip, seededEnv } from '../support.ts';
import { playWireVector, wireVectorFile, type WireVector } from './wire-vector.ts';

const vectors = JSON.parse(readFileSync(wireVectorFile, 'utf8')) as readonly WireVector[];

export function wireCases(suiteName: string): void {
  describe.each(vectors)(`wire format, ${suiteName}: $seed`, (vector) => {
    it('[VEC-WIRE] bundle, frames and states are byte for byte those of the vector', async () => {
      expect(await playWireVector(vector, vector)).toEqual(vector);
    });

    it('[VEC-WIRE] a fresh handshake differs from it in the KEM’s coins and in what follows from them only', async () => {
      const fresh = await playWireVector(vector);
      expect(fresh.bundle).toBe(vector.bundle);
      expect(fresh.frames.map(({ frame }) => frame.length)).toEqual(vector.frames.map(({ frame }) => frame.length));
      const opening = (played: WireVector) => decodeFrame(decodeHex(played.frames[0]!.frame)).opening!;
      expect(opening(fresh).subarray(0, -1088)).toEqual(opening(vector).subarray(0, -1088));
      expect(opening(fresh)).not.toEqual(opening(vector));
    });

    it('[VEC-WIRE] the states at the end open the late frame once, and no changed one', () => {
      const late = decodeHex(vector.frames.find(({ text }) => text === 'late')!.frame);
      const b = new End(decodeSessionState(decodeHex(vector.states.b), []), seededEnv('late'));
      // Its key was a row of its own, which the vector's state does not hold: to this state it is a repeat.
      expect(codeOf(() => b.receive(late))).toBe('TALOS_SESSION_DUPLICATE');
      for (let i = 0; i < late.length; i++) expect(codeOf(() => b.receive(flip(late, i)))).not.toBe('no error');
    });
  });
}
