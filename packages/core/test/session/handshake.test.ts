import { describe, expect, it } from 'vitest';
import { importX25519PublicKey } from '#suite';
import { concatBytes } from '../../src/bytes/concat.ts';
import { signAgreementKey } from '../../src/identity/agreement-certificate.ts';
import { parseAgentId } from '../../src/identity/agent-id.ts';
import { signPrekeyBundle, type VerifiedBundle } from '../../src/identity/prekey-bundle.ts';
import { decodeFrame, encodeFrame } from '../../src/session/frame.ts';
import { acceptSession } from '../../src/session/accept.ts';
import { initiateSession } from '../../src/session/initiate.ts';
import { decodeOpening, encodeOpening, type SessionOpening } from '../../src/session/opening.ts';
import { encryptMessage } from '../../src/session/session.ts';
import { accept, bundleContent, codeOf, End, establish, flip, makeBundle, makeIdentity, makePrekeys, meet, text, utf8, verify } from './support.ts';

const refused = 'TALOS_SESSION_BAD_HANDSHAKE';

/** The frame with another opening; what is sealed in it stays. */
function withOpening(frame: Uint8Array, change: (opening: SessionOpening) => SessionOpening): Uint8Array {
  const parts = decodeFrame(frame);
  return encodeFrame({ ...parts, opening: encodeOpening(change(decodeOpening(parts.opening!))) });
}

describe('handshake', () => {
  it.each([
    ['accountable', true],
    ['accountable', false],
    ['deniable', true],
    ['deniable', false],
  ] as const)('[SES-HANDSHAKE] %s, one-time pair %s: both sides have the same session', async (mode, withOneTime) => {
    const meeting = await meet(`handshake ${mode}`, { mode, withOneTime });
    const a = new End(meeting.initiated, meeting.env);
    const accepted = accept(meeting, a.send('first'));
    expect(text(accepted.plaintext)).toBe('first');
    expect(accepted.session.sessionId).toEqual(meeting.initiated.sessionId);
    expect(accepted.session.mode).toBe(mode);
    expect(accepted.session.peerDid).toBe(meeting.alice.did);
    expect(accepted.consumedOneTimeId).toBe(withOneTime ? meeting.prekeys.oneTime!.id : undefined);
    expect(accepted.seenEphemeral?.length).toBe(withOneTime ? undefined : 32);
    const b = new End(accepted.session, meeting.env);
    expect(a.receive(b.send('second'))).toBe('second');
    expect(b.receive(a.send('third'))).toBe('third');
  });

  it('[SES-REPEAT-OPENING] any frame may arrive first, the rest follow, and the answer ends it', async () => {
    const meeting = await meet('repeat');
    const a = new End(meeting.initiated, meeting.env);
    const frames = ['0', '1', '2', '3'].map((each) => a.send(each));
    expect(frames.every((frame) => decodeFrame(frame).type === 'initial')).toBe(true);
    const accepted = accept(meeting, frames[2]!);
    const b = new End(accepted.session, meeting.env);
    expect(text(accepted.plaintext)).toBe('2');
    expect([3, 0, 1].map((i) => b.receive(frames[i]!))).toEqual(['3', '0', '1']);
    a.receive(b.send('answer'));
    expect(decodeFrame(a.send('4')).type).toBe('message');
  });

  it('[SES-REPEAT-OPENING] a repeated opening that differs is refused', async () => {
    const meeting = await meet('repeat differs');
    const a = new End(meeting.initiated, meeting.env);
    const b = new End(accept(meeting, a.send('0')).session, meeting.env);
    const second = a.send('1');
    const changed = withOpening(second, (opening) => ({ ...opening, historySequence: 1 }));
    expect(codeOf(() => b.receive(changed))).toBe('TALOS_SESSION_AUTH_FAILED');
    expect(b.receive(second)).toBe('1');
  });

  it('[SES-NO-IMPERSONATION] a stranger cannot open a session in the name of another', async () => {
    const meeting = await meet('impersonation');
    const { env, alice, bob, prekeys } = meeting;
    const mallory = await makeIdentity(env);
    const bundle = await makeBundle(bob, prekeys, env);
    const frameOf = async (own: Parameters<typeof initiateSession>[0]['own'], mode: 'accountable' | 'deniable' = 'accountable') =>
      new End(await initiateSession({ own, bundle, mode }, env), env).send('I am Alice');
    // Her DID with his keys; with her agreement key in clear; with her certificate. Her DH secret is what he lacks.
    const claims = [
      { ...mallory, did: alice.did },
      { ...mallory, did: alice.did, agreementCertificate: alice.agreementCertificate },
      {
        ...mallory,
        did: alice.did,
        agreementCertificate: alice.agreementCertificate,
        agreementKey: { ...mallory.agreementKey, publicKey: alice.agreementKey.publicKey },
      },
    ];
    for (const own of claims) {
      for (const mode of ['accountable', 'deniable'] as const) {
        const frame = await frameOf(own, mode);
        expect(codeOf(() => accept(meeting, frame))).toBe(refused);
      }
    }
  });

  it('[SES-ACCOUNTABLE] a session whose agreement is right and whose signature is another’s is refused', async () => {
    const { env, alice, bob, prekeys } = await meet('accountable');
    const mallory = await makeIdentity(env);
    const bundle = await makeBundle(bob, prekeys, env);
    const own = { ...alice, signer: mallory.signer };
    const frame = new End(await initiateSession({ own, bundle }, env), env).send('unsigned');
    expect(codeOf(() => accept({ env, alice, bob, prekeys }, frame))).toBe(refused);
  });

  it('[SES-DENIABLE] the mode cannot be changed on the way', async () => {
    for (const [mode, other] of [
      ['accountable', 'deniable'],
      ['deniable', 'accountable'],
    ] as const) {
      const meeting = await meet('mode', { mode });
      const frame = new End(meeting.initiated, meeting.env).send('m');
      expect(
        codeOf(() =>
          accept(
            meeting,
            withOpening(frame, (opening) => ({ ...opening, mode: other })),
          ),
        ),
      ).toBe(refused);
      expect(codeOf(() => accept(meeting, frame))).toBe('no error');
    }
  });

  it('[SES-NO-MISBINDING] unknown key share: Charlie cannot pass Alice’s handshake to Bob off as his own, nor take it for himself', async () => {
    const meeting = await meet('misbinding', { mode: 'deniable' });
    const charlie = await makeIdentity(meeting.env);
    const frame = new End(meeting.initiated, meeting.env).send('to Bob');
    const asCharlie = withOpening(frame, (opening) => ({ ...opening, initiatorDid: charlie.did, agreementCertificate: charlie.agreementCertificate }));
    const input = { frame: decodeFrame(asCharlie), prekeys: meeting.prekeys, own: meeting.bob, initiatorKey: parseAgentId(charlie.did) };
    expect(codeOf(() => acceptSession(input, meeting.env))).toBe(refused);
    // Bob's very prekeys under Charlie's DID: the transcript names the responder.
    const forCharlie = {
      own: { ...meeting.bob, did: charlie.did },
      frame: decodeFrame(frame),
      prekeys: meeting.prekeys,
      initiatorKey: meeting.alice.signer.publicKey,
    };
    expect(codeOf(() => acceptSession(forCharlie, meeting.env))).toBe(refused);
  });

  it('[SES-NO-MISBINDING] Charlie certifies Alice’s agreement key as his own: Bob still refuses', async () => {
    const meeting = await meet('certified misbinding', { mode: 'deniable' });
    const { env, alice } = meeting;
    const charlie = await makeIdentity(env);
    const claim = { did: charlie.did, agreementKey: alice.agreementKey.publicKey, historySequence: 0 };
    const certificate = await signAgreementKey(claim, charlie.signer);
    const frame = withOpening(new End(meeting.initiated, env).send('m'), (opening) => ({
      ...opening,
      initiatorDid: charlie.did,
      agreementCertificate: certificate,
    }));
    const input = { own: meeting.bob, frame: decodeFrame(frame), prekeys: meeting.prekeys, initiatorKey: charlie.signer.publicKey };
    expect(codeOf(() => acceptSession(input, env))).toBe(refused);
  });

  it('[SES-NO-STRIPPED-PREKEY] the one-time pair taken out of a handshake, or put in, is refused', async () => {
    const meeting = await meet('stripped');
    const frame = new End(meeting.initiated, meeting.env).send('m');
    const stripped = withOpening(frame, (opening) => ({ ...opening, oneTimePairId: undefined }));
    expect(codeOf(() => accept({ ...meeting, prekeys: { ...meeting.prekeys, oneTime: undefined } }, stripped))).toBe(refused);
    const without = await meet('stripped', { withOneTime: false });
    const { oneTime } = makePrekeys(without.env);
    const added = withOpening(new End(without.initiated, without.env).send('m'), (opening) => ({ ...opening, oneTimePairId: oneTime!.id }));
    expect(codeOf(() => accept({ ...without, prekeys: { ...without.prekeys, oneTime } }, added))).toBe(refused);
  });

  it('[SES-UNKNOWN-PREKEY] other prekeys than those that are named are refused', async () => {
    const meeting = await meet('prekeys');
    const frame = new End(meeting.initiated, meeting.env).send('m');
    const other = makePrekeys(meeting.env);
    for (const part of ['signed', 'lastResort', 'oneTime'] as const) {
      expect(codeOf(() => accept({ ...meeting, prekeys: { ...meeting.prekeys, [part]: other[part] } }, frame))).toBe(refused);
    }
  });

  it('[SES-ALL-ZERO] an ephemeral or agreement key of small order is refused', async () => {
    const meeting = await meet('zero');
    const frame = new End(meeting.initiated, meeting.env).send('m');
    const zero = importX25519PublicKey(new Uint8Array(32));
    expect(
      codeOf(() =>
        accept(
          meeting,
          withOpening(frame, (opening) => ({ ...opening, ephemeralKey: zero })),
        ),
      ),
    ).toBe('TALOS_SESSION_WEAK_PEER_KEY');
    expect(
      codeOf(() =>
        accept(
          meeting,
          withOpening(frame, (opening) => ({ ...opening, agreementKey: zero })),
        ),
      ),
    ).toBe(refused);
  });

  it('[SES-NO-REPLAYED-INITIAL] an accepted first frame opens nothing again in its session', async () => {
    const meeting = await meet('replayed');
    const frame = new End(meeting.initiated, meeting.env).send('m');
    const b = new End(accept(meeting, frame).session, meeting.env);
    expect(codeOf(() => b.receive(frame))).toBe('TALOS_SESSION_DUPLICATE');
    // Without its one-time pair, which went with the session, it opens no other either.
    expect(codeOf(() => accept({ ...meeting, prekeys: { ...meeting.prekeys, oneTime: undefined } }, frame))).toBe(refused);
  });

  it('[RAT-REFUSE-REFLECTION] an agent does not open a session with itself', async () => {
    const { env, bob, prekeys } = await meet('self');
    const bundle = await makeBundle(bob, prekeys, env);
    await expect(initiateSession({ own: bob, bundle }, env)).rejects.toMatchObject({ code: refused });
    // Bob against himself with his own keys, past the initiator's check: the responder refuses too.
    let asked = 0;
    const masked = Object.defineProperty({ ...bundle }, 'did', { get: () => (asked++ === 0 ? 'did:key:z6Mkother' : bob.did) });
    const own = new End(await initiateSession({ own: bob, bundle: masked }, env), env).send('to myself');
    expect(codeOf(() => acceptSession({ own: bob, frame: decodeFrame(own), prekeys, initiatorKey: bob.signer.publicKey }, env))).toBe(refused);
    const meeting = await meet('reflected');
    const frame = new End(meeting.initiated, meeting.env).send('m');
    const input = { own: meeting.alice, frame: decodeFrame(frame), prekeys: meeting.prekeys, initiatorKey: meeting.alice.signer.publicKey };
    expect(codeOf(() => acceptSession(input, meeting.env))).toBe(refused);
  });

  it('[SES-NO-IMPERSONATION] a bundle with a broken signature or a swapped agreement key opens no session', async () => {
    const { env, alice, bob, prekeys } = await meet('bundle');
    const mallory = await makeIdentity(env);
    const content = bundleContent(bob, prekeys, env);
    const broken = flip(await signPrekeyBundle(content, bob.signer), 2000);
    expect(codeOf(() => verify(broken, bob, env))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    const swapped = await signPrekeyBundle({ ...content, agreementKey: mallory.agreementKey.publicKey }, mallory.signer);
    expect(codeOf(() => verify(swapped, bob, env))).toBe('TALOS_IDENTITY_BAD_BUNDLE');
    // An object that only looks like a bundle does not compile: `verifyPrekeyBundle` alone makes the type.
    // @ts-expect-error a bundle that was not verified
    void (() => initiateSession({ own: alice, bundle: content }, env));
    expect((await makeBundle(bob, prekeys, env)) satisfies VerifiedBundle).toBeTruthy();
  });

  it('[RAT-COMMIT-AFTER-AUTH] an initial frame is refused whichever byte is changed, and opens afterwards', async () => {
    const meeting = await meet('flips');
    const frame = new End(meeting.initiated, meeting.env).send('genuine');
    const codes = new Set<string>();
    for (let i = 0; i < frame.length; i++) codes.add(codeOf(() => accept(meeting, flip(frame, i, 1 << (i % 8)))));
    expect([...codes].every((code) => code.startsWith('TALOS_SESSION_'))).toBe(true);
    expect(codes.has('no error')).toBe(false);
    expect(text(accept(meeting, frame).plaintext)).toBe('genuine');
  });

  it('[RAT-BOUNDS] an initiator without an answer sends at most 2,000 messages', async () => {
    const { env, initiated } = await meet('unanswered');
    expect(codeOf(() => encryptMessage({ ...initiated, sentCount: 2000 }, utf8('m'), env))).toBe('TALOS_SESSION_LIMIT');
    expect(codeOf(() => encryptMessage({ ...initiated, sentCount: 1999 }, utf8('m'), env))).toBe('no error');
    const { a } = await establish('limit');
    expect(codeOf(() => encryptMessage({ ...a.session, sentCount: 2 ** 20 }, utf8('m'), env))).toBe('TALOS_SESSION_LIMIT');
  });

  it('[SES-ACCOUNTABLE] an opening with unknown flags before its signature is refused', async () => {
    const meeting = await meet('flags');
    const { unanswered } = meeting.initiated;
    const flagged = { ...meeting.initiated, unanswered: { ...unanswered!, proof: flip(unanswered!.proof, 0) } };
    expect(codeOf(() => accept(meeting, new End(flagged, meeting.env).send('m')))).toBe(refused);
    const short = { ...meeting.initiated, unanswered: { ...unanswered!, proof: concatBytes() } };
    expect(codeOf(() => accept(meeting, new End(short, meeting.env).send('')))).toBe(refused);
  });
});
