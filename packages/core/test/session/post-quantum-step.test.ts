import { describe, expect, it } from 'vitest';
import { decapsulate } from '#kem';
import { decodeFrame } from '../../src/session/frame.ts';
import { hkdfSha256, labelled, labels } from '../../src/primitives/kdf.ts';
import { agree } from '../../src/session/root-key.ts';
import { decodeSessionState, encodeSessionState, encodeSkippedKey } from '../../src/session/session-state-codec.ts';
import type { SessionState } from '../../src/session/session-state.ts';
import type { PostQuantumState } from '../../src/session/post-quantum-step.ts';
import { codeOf, End, establish, type Pair } from './support.ts';

const hour = 3_600_000;
const stepOf = (end: End) => end.session.ratchet.postQuantum.step.kind;
const headerBytes = (frame: Uint8Array) => decodeFrame(frame).encryptedHeader.length;
const withStep = (session: SessionState, postQuantum: PostQuantumState): SessionState => ({ ...session, ratchet: { ...session.ratchet, postQuantum } });

/** Bob has Alice's offer, and has not answered. */
async function offered(seed: string): Promise<Pair> {
  const pair = await establish(seed);
  pair.a.receive(pair.b.send('answer'));
  pair.env.advance(hour);
  expect(pair.b.receive(pair.a.send('offer'))).toBe('offer');
  expect([stepOf(pair.a), stepOf(pair.b)]).toEqual(['offered', 'asked']);
  return pair;
}

describe('post-quantum step', () => {
  it('[RAT-POST-QUANTUM] after an hour: offered in every header of a chain, answered in every header of the next, then over', async () => {
    const { a, b } = await offered('hour');
    for (let i = 0; i < 3; i++) {
      const frame = a.send('offer again');
      expect(headerBytes(frame)).toBe(57 + 1184);
      b.receive(frame);
    }
    const answers = [b.send('0'), b.send('1'), b.send('2')];
    for (const frame of answers) expect(headerBytes(frame)).toBe(57 + 1088);
    // The first of them is lost for now: any one carries the whole.
    expect(a.receive(answers[2]!)).toBe('2');
    expect(stepOf(a)).toBe('idle');
    const plain = a.send('plain');
    expect(headerBytes(plain)).toBe(57);
    expect(b.receive(plain)).toBe('plain');
    expect(stepOf(b)).toBe('idle');
    expect(a.receive(answers[0]!)).toBe('0');
    expect(a.receive(answers[1]!)).toBe('1');
    expect(a.receive(b.send('on'))).toBe('on');
  });

  it('[RAT-POST-QUANTUM] after fifty DH steps, again and again, and no more often', async () => {
    const { a, b } = await establish('fifty');
    const kem: number[] = [];
    for (let i = 0; i < 220; i++) {
      const [from, to] = i % 2 === 0 ? [b, a] : [a, b];
      const frame = from.send(String(i));
      if (headerBytes(frame) > 57) kem.push(i);
      expect(to.receive(frame)).toBe(String(i));
    }
    expect(kem.length).toBe(8);
    for (let i = 0; i < kem.length; i += 2) expect(kem[i + 1]! - kem[i]!).toBe(1);
  });

  it('[RAT-POST-QUANTUM] the secret enters the root step of the answering chain and of no other', async () => {
    const { a, b } = await offered('root');
    const { rootKey, turn, postQuantum } = a.session.ratchet;
    if (turn.kind !== 'sending' || postQuantum.step.kind !== 'offered') throw new Error('Alice offers');
    const root = Uint8Array.from(rootKey.expose());
    const answer = b.send('answer');
    const after = b.session.ratchet;
    if (after.turn.kind !== 'sending' || after.postQuantum.step.kind !== 'answered') throw new Error('Bob answers');
    const dh = agree(turn.chain.ownRatchetKey, after.turn.chain.ownRatchetKey.publicKey);
    const kemSecret = decapsulate(postQuantum.step.ownKemKey, after.postQuantum.step.ciphertext);
    const derive = (ikm: Uint8Array) => hkdfSha256({ ikm, salt: root, info: labelled(labels.rootStep), length: 96 }).slice(0, 32);
    expect(after.rootKey.expose()).toEqual(derive(Uint8Array.from([...dh, ...kemSecret])));
    // Who has the whole state and every agreement, and not the KEM's secret, has lost the session here.
    expect(after.rootKey.expose()).not.toEqual(derive(dh));
    expect(a.receive(answer)).toBe('answer');
    expect(a.session.ratchet.rootKey.expose()).toEqual(after.rootKey.expose());
  });

  it('[RAT-POST-QUANTUM-DUE] an answer without the ciphertext, with another, or with a key in its place is refused, and the genuine one opens', async () => {
    const { a, b, env } = await offered('due');
    const other = await offered('other');
    other.b.send('answer');
    const bobs = b.session.ratchet.postQuantum;
    const counts = { dhSteps: bobs.dhSteps, healedAt: bobs.healedAt };
    const forgeries: PostQuantumState[] = [
      { step: { kind: 'idle' }, dhSteps: 0, healedAt: env.now() },
      // Due at once: Bob offers where he should answer.
      { step: { kind: 'idle' }, dhSteps: 1000, healedAt: 0 },
      // An answer to somebody else's key.
      { ...other.b.session.ratchet.postQuantum, ...counts, step: { kind: 'asked', peerKemKey: kemKeyOf(other.a) } },
    ];
    for (const forgery of forgeries) {
      const rogue = new End(withStep(b.session, forgery), env);
      const before = a.session;
      expect(codeOf(() => a.receive(rogue.send('downgrade')))).toBe('TALOS_SESSION_AUTH_FAILED');
      expect(a.session).toBe(before);
    }
    expect(a.receive(b.send('genuine'))).toBe('genuine');
    expect(b.receive(a.send('on'))).toBe('on');
  });

  it('[RAT-POST-QUANTUM-DUE] a ciphertext that nobody asked for, and a key out of range, are refused', async () => {
    const { a, b, env } = await establish('unasked');
    const answered = { kind: 'asked', peerKemKey: kemKeyOf((await offered('foreign')).a) } as const;
    const unasked = new End(withStep(b.session, { step: answered, dhSteps: 0, healedAt: env.now() }), env);
    expect(codeOf(() => a.receive(unasked.send('unasked')))).toBe('TALOS_SESSION_AUTH_FAILED');
    // Carried, and not mixed into the root key: only the header says that it is there.
    const begun = new End(b.session, env);
    begun.send('lost');
    const ciphertext = new Uint8Array(1088);
    const carried = new End(withStep(begun.session, { step: { kind: 'answered', ciphertext }, dhSteps: 0, healedAt: env.now() }), env);
    expect(codeOf(() => a.receive(carried.send('carried')))).toBe('TALOS_SESSION_AUTH_FAILED');
    a.receive(b.send('genuine'));
    env.advance(hour);
    const offer = new End(a.session, env);
    offer.send('begin');
    const { postQuantum } = offer.session.ratchet;
    if (postQuantum.step.kind !== 'offered') throw new Error('Alice offers');
    const key = postQuantum.step.ownKemKey;
    const badKey = { ...key, publicKey: { ...key.publicKey, bytes: new Uint8Array(1184).fill(255) } };
    const bad = new End(withStep(offer.session, { ...postQuantum, step: { kind: 'offered', ownKemKey: badKey } }), env);
    expect(codeOf(() => b.receive(bad.send('out of range')))).toBe('TALOS_SESSION_AUTH_FAILED');
    expect(b.receive(a.send('good'))).toBe('good');
    expect(stepOf(b)).toBe('asked');
  });

  it('[RAT-POST-QUANTUM-DUE] within a chain no header may say something else', async () => {
    const { a, b, env } = await offered('same');
    const idle = new End(withStep(a.session, { step: { kind: 'idle' }, dhSteps: 0, healedAt: env.now() }), env);
    expect(codeOf(() => b.receive(idle.send('without the key')))).toBe('TALOS_SESSION_AUTH_FAILED');
    expect(b.receive(a.send('with it'))).toBe('with it');
  });

  it('[RAT-POST-QUANTUM] [STA-CODEC] a step in flight survives a restart at either end, in every phase', async () => {
    const { a, b, env } = await offered('restart');
    const restart = (end: End) =>
      new End(decodeSessionState(encodeSessionState(end.session), [...end.session.ratchet.skipped.values()].map(encodeSkippedKey)), env);
    for (const end of [a, b]) {
      expect(encodeSessionState(restart(end).session)).toEqual(encodeSessionState(end.session));
      expect(encodeSessionState(end.session).length).toBeLessThan(4096);
    }
    const [a2, b2] = [restart(a), restart(b)];
    const answer = b2.send('answer');
    const b3 = restart(b2);
    expect(stepOf(b3)).toBe('answered');
    expect(a2.receive(b3.send('answer too'))).toBe('answer too');
    expect(restart(a2).receive(answer)).toBe('answer');
    expect(b3.receive(restart(a2).send('on'))).toBe('on');
  });

  it('[RAT-POST-QUANTUM] [RAT-HEALS] an answer beyond the bound takes the step with it', async () => {
    const { a, b } = await offered('beyond');
    for (let i = 0; i < 2001; i++) b.send('lost');
    const beyond = b.send('beyond');
    expect(a.open(beyond).plaintext).toBeUndefined();
    expect(stepOf(a)).toBe('idle');
    expect(b.receive(a.send('healed'))).toBe('healed');
    expect(a.receive(b.send('and on'))).toBe('and on');
  });
});

function kemKeyOf(end: End): Uint8Array {
  const { step } = end.session.ratchet.postQuantum;
  if (step.kind !== 'offered') throw new Error('nothing is offered');
  return step.ownKemKey.publicKey.bytes;
}
