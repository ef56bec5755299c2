/**
 * Opening a session, the responder's half (docs/spec/04 §3).
 *
 * A stranger sends the frame. What is cheap is checked first, and everything is checked before anything is kept.
 * @module
 */
import { decapsulate } from '#kem';
import { equalBytes } from '../bytes/equal.ts';
import type { Env } from '../env/env.ts';
import { SessionError } from '../errors/session-error.ts';
import { verifyAgreementKey } from '../identity/agreement-certificate.ts';
import type { Identity } from '../identity/identity.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { bindInitial } from './associated-data.ts';
import { badHandshake } from './bad-handshake.ts';
import { ratchetDecrypt, type RatchetReceipt } from './double-ratchet-decrypt.ts';
import type { Frame } from './frame.ts';
import { decodeOpening, type SessionOpening } from './opening.ts';
import { splitOpening, verifyOpening } from './opening-proof.ts';
import { deriveHandshakeKeys, type Agreement, type HandshakeKeys } from './pqxdh.ts';
import type { OwnLastResortPrekey, OwnOneTimePair, OwnSignedPrekey } from './prekeys.ts';
import { beginRatchet, type RatchetStart, type RatchetState } from './ratchet-state.ts';
import { bindSession, type SessionState } from './session-state.ts';
import { clockSkewMs } from './limits.ts';
import { hashTranscript } from './transcript.ts';

export type OfferedPrekeys = {
  readonly signed: OwnSignedPrekey;
  readonly lastResort: OwnLastResortPrekey;
  /** Present exactly when the opening names one. */
  readonly oneTime?: OwnOneTimePair | undefined;
};

export type AcceptInput = {
  readonly own: Pick<Identity, 'did' | 'agreementKey'>;
  readonly frame: Frame;
  /** Those that `opening` names. An id that is not known (any more) is refused before this is called. */
  readonly prekeys: OfferedPrekeys;
  /** The key that speaks for the initiator now: from its pinned history, or from the did:key where first contact is allowed. */
  readonly initiatorKey: Ed25519PublicKey;
};

export type AcceptedSession = RatchetReceipt & {
  readonly session: SessionState;
  readonly plaintext: Uint8Array;
  /** Delete this pair in the transaction that stores the session. */
  readonly consumedOneTimeId?: number | undefined;
  /** Without a one-time pair the first message could be replayed: remember this key (32 bytes) for the life of the signed prekey. */
  readonly seenEphemeral?: Uint8Array | undefined;
};

/**
 * The responder's state and the first message. Nothing is kept unless certificate, both tags and, in an accountable session, the
 * signature over the transcript verify.
 * @throws {@link SessionError} `TALOS_SESSION_BAD_HANDSHAKE`, one code whatever is wrong; `TALOS_SESSION_WEAK_PEER_KEY`.
 */
export function acceptSession(input: AcceptInput, env: Env): AcceptedSession {
  try {
    return accept(input, env);
  } catch (error) {
    if (SessionError.isInstance(error) && error.code === 'TALOS_SESSION_WEAK_PEER_KEY') throw error;
    throw badHandshake();
  }
}

function accept({ own, frame, prekeys, initiatorKey }: AcceptInput, env: Env): AcceptedSession {
  const openingBytes = frame.opening ?? refuse();
  const opening = decodeOpening(openingBytes);
  // Our own opening come back: a session with oneself would accept every reflected frame.
  if (opening.initiatorDid === own.did || !namesThese(opening, prekeys)) throw badHandshake();
  const claim = { did: opening.initiatorDid, agreementKey: opening.agreementKey, historySequence: opening.historySequence };
  verifyAgreementKey(claim, opening.agreementCertificate, initiatorKey);
  const { keys, transcriptHash } = agreeAsResponder(opening, prekeys, own);
  if (!equalBytes(keys.sessionId, frame.sessionId)) throw badHandshake();
  const identity = { sessionId: keys.sessionId, role: 'responder', ownDid: own.did, peerDid: opening.initiatorDid } as const;
  const binding = bindSession(identity);
  const now = env.now();
  const receipt = ratchetDecrypt(beginAsResponder({ keys, prekeys, now }), { message: frame, binding: bindInitial(binding.peer, openingBytes), now });
  const { signature, supersedes, openedAt, contents } = splitOpening(opening.mode, receipt.plaintext ?? refuse()) ?? refuse();
  if (opening.mode === 'accountable') verifyOpening({ transcriptHash, supersedes, openedAt, signature }, initiatorKey);
  // From the future it would stay the newest when it no longer is.
  if (openedAt > now + clockSkewMs) throw badHandshake();
  const session: SessionState = {
    ...identity,
    mode: opening.mode,
    createdAt: now,
    openedAt,
    sentCount: 0,
    supersedes,
    ratchet: receipt.state,
    binding,
  };
  const memory = opening.oneTimePairId === undefined ? { seenEphemeral: opening.ephemeralKey.bytes } : { consumedOneTimeId: opening.oneTimePairId };
  return { ...receipt, ...memory, session, plaintext: contents };
}

/** RatchetInitBobHE: our first ratchet key is the signed prekey, and the first frame brings the initiator's. */
function beginAsResponder(input: { readonly keys: HandshakeKeys; readonly prekeys: OfferedPrekeys; readonly now: number }): RatchetState {
  const { keys, prekeys, now } = input;
  const start: RatchetStart = {
    rootKey: keys.rootKey,
    turn: { kind: 'opening', ownRatchetKey: prekeys.signed.secretKey },
    nextSendingHeaderKey: keys.responderHeaderKey,
    nextReceivingHeaderKey: keys.initiatorHeaderKey,
  };
  return beginRatchet(start, now);
}

/** A pair that the opening does not name was not agreed with; one that it names and that is missing was stripped or is gone. */
function namesThese(opening: SessionOpening, { signed, lastResort, oneTime }: OfferedPrekeys): boolean {
  return opening.signedPrekeyId === signed.id && opening.lastResortPrekeyId === lastResort.id && opening.oneTimePairId === oneTime?.id;
}

function agreeAsResponder(opening: SessionOpening, { signed, lastResort, oneTime }: OfferedPrekeys, own: AcceptInput['own']) {
  const kemKey = oneTime?.kemKey ?? lastResort.secretKey;
  const responder = {
    did: own.did,
    agreementKey: own.agreementKey.publicKey,
    signedPrekey: signed.secretKey.publicKey,
    oneTimeX25519: oneTime?.x25519Key.publicKey,
    kemKey: kemKey.publicKey,
  };
  const transcriptHash = hashTranscript(opening, responder);
  const { agreementKey, ephemeralKey } = opening;
  const agreements: Agreement[] = [
    [signed.secretKey, agreementKey],
    [own.agreementKey, ephemeralKey],
    [signed.secretKey, ephemeralKey],
  ];
  if (oneTime !== undefined) agreements.push([oneTime.x25519Key, ephemeralKey]);
  return { keys: deriveHandshakeKeys({ agreements, kemSecret: decapsulate(kemKey, opening.kemCiphertext), transcriptHash }), transcriptHash };
}

function refuse(): never {
  throw badHandshake();
}
