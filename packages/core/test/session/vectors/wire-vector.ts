/**
 * The conversation that `test/vectors/talos/v1/session.json` freezes: identities, prekeys and bundle from a seed, then frames in both directions.
 * The KEM's coins cannot be given to a suite, so Alice's state after the handshake is in the vector, and Bob's after he answered a
 * post-quantum step, with the frame that answers; all the rest follows from the seed.
 */
import { decodeHex, encodeHex } from '../../../src/bytes/hex.ts';
import type { Identity } from '../../../src/identity/identity.ts';
import { signPrekeyBundle } from '../../../src/identity/prekey-bundle.ts';
import { initiateSession } from '../../../src/session/initiate.ts';
import type { SessionState } from '../../../src/session/session-state.ts';
import { decodeSessionState, encodeSessionState } from '../../../src/session/session-state-codec.ts';
import { accept, bundleContent, End, makeIdentity, makePrekeys, seededEnv, verify, type TestEnv } from '../support.ts';

export type WireVector = {
  readonly seed: string;
  readonly withOneTime: boolean;
  readonly mode: 'accountable' | 'deniable';
  /** Hex, as everything below. */
  readonly bundle: string;
  readonly initiated: string;
  readonly frames: readonly { readonly from: 'a' | 'b'; readonly text: string; readonly frame: string }[];
  readonly withPostQuantumStep?: true;
  /** Bob’s state after he answered Alice’s KEM key; the frame is the one that says `answer`. */
  readonly answered?: string;
  /** Both states at the end. */
  readonly states: { readonly a: string; readonly b: string };
};

type Script = Pick<WireVector, 'seed' | 'withOneTime' | 'mode' | 'withPostQuantumStep'>;

/** What a suite cannot make again. */
type Frozen = Pick<WireVector, 'initiated' | 'answered' | 'frames'>;

export const wireVectorFile: URL = new URL('../../../../../test/vectors/talos/v1/session.json', import.meta.url);

/** Who says what. Alice’s second frame still repeats her opening; the third is lost on the way until the end. */
const lines = [
  ['a', 'Execute task X'],
  ['a', 'and task Y'],
  ['b', 'done'],
  ['a', 'late'],
  ['a', 'thank you'],
  ['b', 'you are welcome'],
] as const;

/** An hour later: Alice’s next chain offers a KEM key, Bob’s answers it in each of his frames. */
const laterLines = [
  ['a', 'offer'],
  ['b', 'answer'],
  ['b', 'answer too'],
  ['a', 'and on'],
] as const;

/** Plays the script. Without `frozen` the handshake is made anew, with fresh KEM coins. */
export async function playWireVector(script: Script, frozen?: Frozen): Promise<WireVector> {
  const { seed, withOneTime, mode } = script;
  const env = seededEnv(seed);
  const [alice, bob] = [await makeIdentity(env), await makeIdentity(env)];
  const prekeys = makePrekeys(env, withOneTime);
  const bundle = await signPrekeyBundle(bundleContent(bob, prekeys, env), bob.signer);
  const start = await startOf({ alice, bob, bundle, mode, env }, frozen);
  const talk = seededEnv(`${seed} talk`);
  const a = new End(start, talk);
  let b: End | undefined;
  const frames: { from: 'a' | 'b'; text: string; frame: string }[] = [];
  let answered: string | undefined;
  for (const [from, text] of linesOf(script)) {
    if (text === 'offer') talk.advance(3_600_000);
    const speaker = from === 'a' ? a : b!;
    const frame = text === 'answer' ? answerWith(speaker, frozen, talk) : speaker.send(text);
    if (text === 'answer') answered = encodeHex(encodeSessionState(b!.session));
    frames.push({ from, text, frame: encodeHex(frame) });
    if (text === 'late') continue;
    if (b === undefined) b = new End(accept({ env: talk, alice, bob, prekeys }, frame).session, talk);
    else (from === 'a' ? b : a).receive(frame);
  }
  const states = { a: encodeHex(encodeSessionState(a.session)), b: encodeHex(encodeSessionState(b!.session)) };
  const step = answered === undefined ? {} : ({ withPostQuantumStep: true, answered } as const);
  return { seed, withOneTime, mode, ...step, bundle: encodeHex(bundle), initiated: encodeHex(encodeSessionState(start)), frames, states };
}

function linesOf({ withPostQuantumStep }: Script): readonly (readonly ['a' | 'b', string])[] {
  return withPostQuantumStep === true ? [...lines, ...laterLines] : lines;
}

type Start = { readonly alice: Identity; readonly bob: Identity; readonly bundle: Uint8Array; readonly mode: WireVector['mode']; readonly env: TestEnv };

async function startOf({ alice, bob, bundle, mode, env }: Start, frozen: Frozen | undefined): Promise<SessionState> {
  if (frozen !== undefined) return decodeSessionState(decodeHex(frozen.initiated), []);
  return initiateSession({ own: alice, bundle: verify(bundle, bob, env), mode }, env);
}

/**
 * The answer to a KEM key: as it was frozen, where it was. Nothing that was skipped is in the frozen state: a late frame of before is not
 * opened any more. The draws that the frozen frame took are taken here too: a scalar and a nonce.
 */
function answerWith(end: End, frozen: Frozen | undefined, env: TestEnv): Uint8Array {
  if (frozen?.answered === undefined) return end.send('answer');
  end.session = decodeSessionState(decodeHex(frozen.answered), []);
  env.randomBytes(32);
  env.randomBytes(12);
  return decodeHex(frozen.frames.find(({ text }) => text === 'answer')!.frame);
}
