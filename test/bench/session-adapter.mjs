/**
 * Our sessions behind the interface of a benchmark that compares implementations of end-to-end encryption: `make()` gives established
 * pairs, handshakes, and what to do to them. Plain Node over the build (`pnpm build`), or over the sources with
 * `--conditions=@talosprotocol/source`. Every safety check is on; what a message consumes is wiped, as the messenger does.
 * @module
 */
import { systemEnv } from '@talosprotocol/core';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import {
  acceptSession,
  decodeFrame,
  decodeSessionState,
  decryptMessage,
  encodeSessionState,
  encodeSkippedKey,
  encryptMessage,
  generateOneTimePair,
  generateReusablePrekeys,
  initiateSession,
  signPrekeyBundle,
  verifyPrekeyBundle,
} from '@talosprotocol/core/session';

const env = systemEnv;

const makeAgent = async () => restoreIdentity(await generateIdentitySecrets(env));

/** A bundle with a one-time pair, and what opens it. `change` may spoil what is signed. */
async function offer(owner, change = (content) => content) {
  const { signed, lastResort } = generateReusablePrekeys(env);
  const oneTime = generateOneTimePair(signed.notAfter, env);
  const content = {
    did: owner.did,
    historySequence: owner.historySequence,
    agreementKey: owner.agreementKey.publicKey,
    agreementCertificate: owner.agreementCertificate,
    signedPrekey: { id: signed.id, key: signed.secretKey.publicKey, notAfter: signed.notAfter },
    lastResortPrekey: { id: lastResort.id, key: lastResort.secretKey.publicKey },
    oneTimePair: { id: oneTime.id, x25519Key: oneTime.x25519Key.publicKey, kemKey: oneTime.kemKey.publicKey },
    issuedAt: env.now(),
    expiresAt: signed.notAfter,
  };
  return { bundle: await signPrekeyBundle(change(content), owner.signer), prekeys: { signed, lastResort, oneTime } };
}

function verify(bundle, owner) {
  return verifyPrekeyBundle(bundle, { expectedDid: owner.did, identityKey: owner.signer.publicKey, now: env.now() });
}

const open = async (own, peer, bundle) => initiateSession({ own, bundle: verify(bundle, peer) }, env);

const accept = ({ own, frame, prekeys, initiator }) => acceptSession({ own, frame, prekeys, initiatorKey: initiator.signer.publicKey }, env);

const wipe = (secrets) => {
  for (const secret of secrets) secret.wipe();
};

/** One end of one session. */
class End {
  constructor(session) {
    this.session = session;
  }

  send(plaintext) {
    const { session, frame, consumed } = encryptMessage(this.session, plaintext, env);
    this.session = session;
    wipe(consumed);
    return frame;
  }

  receive(frame) {
    const { session, plaintext, consumed } = decryptMessage(this.session, frame, env);
    this.session = session;
    wipe(consumed);
    if (plaintext === undefined) throw new Error('beyond the bound');
    return plaintext;
  }
}

const flipLast = (wire) => {
  const copy = Uint8Array.from(wire);
  copy[copy.length - 1] ^= 1;
  return copy;
};

const outcome = async (run) => {
  try {
    await run();
    return 'ACCEPTED';
  } catch {
    return 'rejected';
  }
};

async function newPair() {
  const [alice, bob] = [await makeAgent(), await makeAgent()];
  const { bundle, prekeys } = await offer(bob);
  const ends = [new End(await open(alice, bob, bundle)), undefined];
  const first = decodeFrame(ends[0].send(Uint8Array.of(1)));
  ends[1] = new End(accept({ own: bob, frame: first, prekeys, initiator: alice }).session);
  ends[0].receive(decodeFrame(ends[1].send(Uint8Array.of(1))));
  ends[1].receive(decodeFrame(ends[0].send(Uint8Array.of(1))));
  return {
    ends,
    send: (from, plaintext) => ends[from].send(plaintext),
    recv: (to, wire) => ends[to].receive(decodeFrame(wire)),
    size: (wire) => wire.length,
    tamper: flipLast,
    persist: (side) => encodeSessionState(ends[side].session),
  };
}

/** Verify the bundle, agree, sign, encrypt the first message; accept, agree, verify, decrypt it. Keys and prekeys are made outside. */
async function handshakes(count, plaintext) {
  const alice = await makeAgent();
  const peers = [];
  for (let i = 0; i < count; i++) {
    const bob = await makeAgent();
    peers.push({ bob, ...(await offer(bob)) });
  }
  return async (i) => {
    const { bob, bundle, prekeys } = peers[i];
    const wire = new End(await open(alice, bob, bundle)).send(plaintext);
    return [accept({ own: bob, frame: decodeFrame(wire), prekeys, initiator: alice }).plaintext, wire.length];
  };
}

async function badSignature() {
  const [alice, bob] = [await makeAgent(), await makeAgent()];
  const { bundle } = await offer(bob);
  return outcome(() => open(alice, bob, flipLast(bundle)));
}

/** The owner's own signature over another agent's agreement key: the certificate is what refuses it. */
async function swappedIdentity() {
  const [alice, bob, eve] = [await makeAgent(), await makeAgent(), await makeAgent()];
  const { bundle } = await offer(bob, (content) => ({ ...content, agreementKey: eve.agreementKey.publicKey }));
  return outcome(() => open(alice, bob, bundle));
}

const isSmaller = (a, b) => Buffer.compare(a, b) < 0;

/** Each side opens a session at once. As the messenger does: both are kept, the smaller id sends once both are known. */
async function simultaneous() {
  const agents = [await makeAgent(), await makeAgent()];
  const offers = [await offer(agents[0]), await offer(agents[1])];
  const own = [new End(await open(agents[0], agents[1], offers[1].bundle)), new End(await open(agents[1], agents[0], offers[0].bundle))];
  const accepted = [undefined, undefined];
  const sending = [...own];
  return {
    send: (from, plaintext) => sending[from].send(plaintext),
    recv: (to, wire) => {
      const frame = decodeFrame(wire);
      const end = [own[to], accepted[to]].find((each) => each !== undefined && Buffer.compare(each.session.sessionId, frame.sessionId) === 0);
      if (end !== undefined) return end.receive(frame);
      const { session, plaintext } = accept({ own: agents[to], frame, prekeys: offers[to].prekeys, initiator: agents[1 - to] });
      accepted[to] = new End(session);
      if (own[to].session.unanswered === undefined || !isSmaller(own[to].session.sessionId, session.sessionId)) sending[to] = accepted[to];
      return plaintext;
    },
  };
}

/** The state comes back from a copy, and another text is sent under the same message key: is the nonce the same too? */
async function rollback() {
  const { ends } = await newPair();
  const copy = encodeSessionState(ends[0].session);
  const rows = [...ends[0].session.ratchet.skipped.values()].map(encodeSkippedKey);
  const sealed = (end, text) => decodeFrame(end.send(new TextEncoder().encode(text)));
  const one = sealed(ends[0], 'transfer 100 to A......');
  const two = sealed(new End(decodeSessionState(copy, rows)), 'transfer 100 to B......');
  const isReused = Buffer.compare(one.nonce, two.nonce) === 0 || Buffer.compare(one.ciphertext.subarray(0, 14), two.ciphertext.subarray(0, 14)) === 0;
  return isReused ? 'key+IV REUSED, undetected' : 'differs: the nonce is random (and the fence refuses to send)';
}

export async function make() {
  return { name: 'Talos sessions (PQXDH, header encryption, talos/1)', sync: true, newPair, handshakes, badSignature, swappedIdentity, simultaneous, rollback };
}
