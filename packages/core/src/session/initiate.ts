/**
 * Opening a session, the initiator's half (docs/spec/04 §3).
 *
 *     bundle → four agreements and a KEM secret → transcript → root key, two header keys, session id → state
 * @module
 */
import { encapsulate } from '#kem';
import { generateX25519SecretKey } from '#suite';
import type { Env } from '../env/env.ts';
import type { Identity } from '../identity/identity.ts';
import type { VerifiedBundle } from '../identity/prekey-bundle.ts';
import type { KemPublicKey, X25519SecretKey } from '../primitives/keys.ts';
import { badHandshake } from './bad-handshake.ts';
import { encodeOpening, type SessionMode, type SessionOpening } from './opening.ts';
import { signOpening } from './opening-proof.ts';
import { deriveHandshakeKeys, type Agreement, type HandshakeKeys } from './pqxdh.ts';
import { beginRatchet, type RatchetStart } from './ratchet-state.ts';
import { bindSession, type SessionState } from './session-state.ts';
import { hashTranscript } from './transcript.ts';

export type InitiateInput = {
  /** Ours. The signer is asked once, and only in an accountable session; it may be a KMS. */
  readonly own: Pick<Identity, 'did' | 'signer' | 'agreementKey' | 'agreementCertificate' | 'historySequence'>;
  /** From `verifyPrekeyBundle`, which alone makes this type: an unverified bundle does not compile. */
  readonly bundle: VerifiedBundle;
  /** Default `accountable`. */
  readonly mode?: SessionMode;
  /** The session with this peer that the new one replaces, 16 bytes. Only the peer reads it. */
  readonly supersedes?: Uint8Array | undefined;
};

/**
 * The initiator's state. Nothing is sent yet: the first `encryptMessage` carries the handshake, and so does every one until the answer.
 *
 * Asynchronous only because a signer may be. Draws one X25519 scalar (32 bytes) from `env`; the KEM draws its coins itself.
 * @returns A state that is not durable: commit it as version 1 before the first frame leaves.
 * @throws {@link SessionError} `TALOS_SESSION_BAD_HANDSHAKE` if the bundle is our own, `TALOS_SESSION_WEAK_PEER_KEY` if an agreement is all zero.
 */
export async function initiateSession({ own, bundle, mode = 'accountable', supersedes }: InitiateInput, env: Env): Promise<SessionState> {
  if (bundle.did === own.did) throw badHandshake();
  const ephemeral = generateX25519SecretKey(env);
  const kemKey = bundle.oneTimePair?.kemKey ?? bundle.lastResortPrekey.key;
  const { ciphertext, sharedSecret } = encapsulate(kemKey);
  const opening = makeOpening({ own, bundle, mode, ephemeral, kemCiphertext: ciphertext });
  const transcriptHash = hashTranscript(opening, responderKeys(bundle, kemKey));
  const keys = deriveHandshakeKeys({ agreements: agreements({ own, bundle, ephemeral }), kemSecret: sharedSecret, transcriptHash });
  // EK_A has done its work: who steals this machine later must not be able to agree again.
  ephemeral.scalar.wipe();
  const unanswered = { opening: encodeOpening(opening), proof: await signOpening(mode, { transcriptHash, supersedes }, own.signer) };
  const identity = { sessionId: keys.sessionId, role: 'initiator', ownDid: own.did, peerDid: bundle.did } as const;
  const now = env.now();
  const ratchet = beginAsInitiator({ keys, bundle, now });
  return { ...identity, mode, createdAt: now, sentCount: 0, supersedes, unanswered, ratchet, binding: bindSession(identity) };
}

type OpeningInput = Required<Pick<InitiateInput, 'own' | 'bundle' | 'mode'>> & { readonly ephemeral: X25519SecretKey; readonly kemCiphertext: Uint8Array };

function makeOpening({ own, bundle, mode, ephemeral, kemCiphertext }: OpeningInput): SessionOpening {
  return {
    mode,
    initiatorDid: own.did,
    agreementKey: own.agreementKey.publicKey,
    agreementCertificate: own.agreementCertificate,
    historySequence: own.historySequence,
    ephemeralKey: ephemeral.publicKey,
    signedPrekeyId: bundle.signedPrekey.id,
    lastResortPrekeyId: bundle.lastResortPrekey.id,
    oneTimePairId: bundle.oneTimePair?.id,
    bundleHash: bundle.hash,
    kemCiphertext,
  };
}

function responderKeys(bundle: VerifiedBundle, kemKey: KemPublicKey) {
  const { did, agreementKey, signedPrekey, oneTimePair } = bundle;
  return { did, agreementKey, signedPrekey: signedPrekey.key, oneTimeX25519: oneTimePair?.x25519Key, kemKey };
}

/** DH1 authenticates us to the peer, DH2 the peer to us, DH3 and DH4 make it forward secret: PQXDH §3.3. */
function agreements({ own, bundle, ephemeral }: Pick<OpeningInput, 'own' | 'bundle' | 'ephemeral'>): readonly Agreement[] {
  const list: Agreement[] = [
    [own.agreementKey, bundle.signedPrekey.key],
    [ephemeral, bundle.agreementKey],
    [ephemeral, bundle.signedPrekey.key],
  ];
  if (bundle.oneTimePair !== undefined) list.push([ephemeral, bundle.oneTimePair.x25519Key]);
  return list;
}

/** RatchetInitAliceHE, its sending half put off: the signed prekey is the peer ratchet key that waits for an answer. */
function beginAsInitiator({ keys, bundle, now }: { readonly keys: HandshakeKeys; readonly bundle: VerifiedBundle; readonly now: number }) {
  const start: RatchetStart = {
    rootKey: keys.rootKey,
    turn: { kind: 'waiting', peerRatchetKey: bundle.signedPrekey.key },
    nextSendingHeaderKey: keys.initiatorHeaderKey,
    nextReceivingHeaderKey: keys.responderHeaderKey,
  };
  return beginRatchet(start, now);
}
