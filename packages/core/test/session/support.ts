/** Two agents with fixed randomness, and the handshake between them. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Env } from '../../src/env/env.ts';
import { generateIdentitySecrets, restoreIdentity, type Identity } from '../../src/identity/identity.ts';
import { signPrekeyBundle, verifyPrekeyBundle, type BundleContent, type VerifiedBundle } from '../../src/identity/prekey-bundle.ts';
import { decodeFrame } from '../../src/session/frame.ts';
import { acceptSession, type AcceptedSession, type OfferedPrekeys } from '../../src/session/accept.ts';
import { initiateSession } from '../../src/session/initiate.ts';
import type { SessionMode } from '../../src/session/opening.ts';
import { generateOneTimePair, generateReusablePrekeys } from '../../src/session/prekeys.ts';
import { decryptMessage, encryptMessage, type DecryptedFrame } from '../../src/session/session.ts';
import type { SessionState } from '../../src/session/session-state.ts';

export type TestEnv = Env & { advance(ms: number): void };

export const startMs = Date.UTC(2026, 0, 1);

/** Bytes are SHA-256(seed ‖ counter); time stands still until it is advanced, timers run only then. */
export function seededEnv(seed: string): TestEnv {
  let counter = 0;
  let now = startMs;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const block = () => sha256(new TextEncoder().encode(`${seed}/${counter++}`));
  return {
    now: () => now,
    monotonic: () => now - startMs,
    randomBytes: (length) => {
      const bytes = new Uint8Array(length);
      for (let offset = 0; offset < length; offset += 32) bytes.set(block().subarray(0, Math.min(32, length - offset)), offset);
      return bytes;
    },
    after: (delayMs, run) => {
      const timer = { at: now + delayMs, run };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
    advance: (ms) => {
      now += ms;
      const due = timers.filter((timer) => timer.at <= now);
      timers = timers.filter((timer) => timer.at > now);
      for (const timer of due) timer.run();
    },
  };
}

export async function makeIdentity(env: Env): Promise<Identity> {
  return restoreIdentity(await generateIdentitySecrets(env));
}

export function makePrekeys(env: Env, withOneTime = true): OfferedPrekeys {
  const reusable = generateReusablePrekeys(env);
  return { ...reusable, oneTime: withOneTime ? generateOneTimePair(reusable.signed.notAfter, env) : undefined };
}

export function bundleContent(owner: Identity, { signed, lastResort, oneTime }: OfferedPrekeys, env: Env): BundleContent {
  return {
    did: owner.did,
    historySequence: owner.historySequence,
    agreementKey: owner.agreementKey.publicKey,
    agreementCertificate: owner.agreementCertificate,
    signedPrekey: { id: signed.id, key: signed.secretKey.publicKey, notAfter: signed.notAfter },
    lastResortPrekey: { id: lastResort.id, key: lastResort.secretKey.publicKey },
    oneTimePair: oneTime && { id: oneTime.id, x25519Key: oneTime.x25519Key.publicKey, kemKey: oneTime.kemKey.publicKey },
    issuedAt: env.now(),
    expiresAt: signed.notAfter,
  };
}

export async function makeBundle(owner: Identity, prekeys: OfferedPrekeys, env: Env): Promise<VerifiedBundle> {
  return verify(await signPrekeyBundle(bundleContent(owner, prekeys, env), owner.signer), owner, env);
}

export function verify(bytes: Uint8Array, owner: Identity, env: Env): VerifiedBundle {
  return verifyPrekeyBundle(bytes, { expectedDid: owner.did, identityKey: owner.signer.publicKey, now: env.now() });
}

export type Meeting = {
  readonly env: TestEnv;
  readonly alice: Identity;
  readonly bob: Identity;
  readonly prekeys: OfferedPrekeys;
  readonly initiated: SessionState;
};

/** Alice holds a session to Bob that he does not know of yet. */
export async function meet(seed: string, options: { readonly mode?: SessionMode; readonly withOneTime?: boolean } = {}): Promise<Meeting> {
  const env = seededEnv(seed);
  const [alice, bob] = [await makeIdentity(env), await makeIdentity(env)];
  const prekeys = makePrekeys(env, options.withOneTime ?? true);
  const bundle = await makeBundle(bob, prekeys, env);
  const initiated = await initiateSession({ own: alice, bundle, mode: options.mode ?? 'accountable' }, env);
  return { env, alice, bob, prekeys, initiated };
}

export function accept({ env, alice, bob, prekeys }: Pick<Meeting, 'env' | 'alice' | 'bob' | 'prekeys'>, frame: Uint8Array): AcceptedSession {
  return acceptSession({ own: bob, frame: decodeFrame(frame), prekeys, initiatorKey: alice.signer.publicKey }, env);
}

/** Two ends that keep their states; `receive` throws what the session throws and then keeps the state it had. */
export class End {
  session: SessionState;
  readonly env: Env;

  constructor(session: SessionState, env: Env) {
    this.session = session;
    this.env = env;
  }

  send(text: string): Uint8Array {
    const { session, frame } = encryptMessage(this.session, utf8(text), this.env);
    this.session = session;
    return frame;
  }

  open(frame: Uint8Array): DecryptedFrame {
    const opened = decryptMessage(this.session, decodeFrame(frame), this.env);
    this.session = opened.session;
    return opened;
  }

  receive(frame: Uint8Array): string | undefined {
    const { plaintext } = this.open(frame);
    return plaintext === undefined ? undefined : new TextDecoder().decode(plaintext);
  }
}

export type Pair = { readonly a: End; readonly b: End; readonly env: TestEnv; readonly meeting: Meeting };

/** A session that both ends have, with one message each way behind it and Alice's second chain begun. */
export async function establish(seed: string, options: { readonly mode?: SessionMode; readonly withOneTime?: boolean } = {}): Promise<Pair> {
  const meeting = await meet(seed, options);
  const a = new End(meeting.initiated, meeting.env);
  const b = new End(accept(meeting, a.send('hello')).session, meeting.env);
  a.receive(b.send('welcome'));
  b.receive(a.send('thanks'));
  return { a, b, env: meeting.env, meeting };
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

export function flip(bytes: Uint8Array, index: number, mask = 1): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  copy[index] = (copy[index] as number) ^ mask;
  return copy;
}

/** The code that `run` throws; fails if it throws nothing or an error without a code. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'string' && code.startsWith('TALOS_')) return code;
    throw new Error('an error without a code', { cause: error });
  }
  return 'no error';
}

export async function rejectionOf(run: () => Promise<unknown>): Promise<string> {
  const outcome = await run().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  return codeOf(() => {
    if (outcome !== undefined) throw outcome.error;
  });
}
