/**
 * The floor under our sessions: only the cryptographic calls that suite talos/1 requires, header encryption and KEM included, with no framing,
 * no state, no store and no check. Same interface as `session-adapter.mjs`. On node:crypto by default.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { nodeCalls } from './floor-calls-node.mjs';

const [one, two, empty] = [Uint8Array.of(1), Uint8Array.of(2), new Uint8Array(0)];
const info = new TextEncoder().encode('talos/1 root');
const associatedData = new Uint8Array(120).fill(7);
const header = new Uint8Array(41).fill(9);

const pool = randomBytes(4096);
let offset = 0;
const drawNonce = () => pool.subarray((offset = (offset + 12) % 4080), offset + 12);

function floorOver(calls) {
  const { hmac, sha256, makeKey, receive, agree, makeSigner, makeKem } = calls;
  const seal = (key, nonce, plaintext) => calls.seal({ key, nonce, associatedData, plaintext });
  const unseal = (key, nonce, sealed) => calls.unseal({ key, nonce, associatedData, sealed });

  function hkdf(salt, ikm) {
    const key = hmac(salt, ikm);
    const blocks = [empty];
    for (let i = 1; i <= 3; i++) blocks.push(hmac(key, Buffer.concat([blocks[i - 1], info, Uint8Array.of(i)])));
    return blocks.slice(1);
  }

  function sealMessage(chains, side, plaintext) {
    const key = hmac(chains[side], one);
    chains[side] = hmac(chains[side], two);
    const nonce = drawNonce();
    return { nonce, header: seal(chains.headerKey, nonce, header), body: seal(key, nonce, plaintext) };
  }

  function openMessage(chains, side, wire) {
    unseal(chains.headerKey, wire.nonce, wire.header);
    const key = hmac(chains[side], one);
    chains[side] = hmac(chains[side], two);
    return unseal(key, wire.nonce, wire.body);
  }

  async function newPair() {
    const keys = [makeKey(), makeKey()];
    const raws = [keys[0].raw, keys[1].raw];
    const root = randomBytes(32);
    const roots = [root, root];
    const chains = [0, 1].map(() => ({ 0: hmac(root, one), 1: hmac(root, one), headerKey: hmac(root, two) }));
    let last = -1;
    const step = (to) => {
      const peer = receive(raws[1 - to]);
      const [root] = hkdf(roots[to], agree(keys[to], peer));
      keys[to] = makeKey();
      raws[to] = keys[to].raw;
      [roots[to]] = hkdf(root, agree(keys[to], peer));
    };
    return {
      send: (from, plaintext) => sealMessage(chains[from], from, plaintext),
      recv: (to, wire) => {
        // The header is tried under the next header key first when one is due, and opens: one trial, as for a message of the chain.
        if (last !== -1 && last !== to) step(to);
        last = to;
        return openMessage(chains[to], 1 - to, wire);
      },
      size: (wire) => Buffer.concat([wire.nonce, wire.header, wire.body].flat()).length,
    };
  }

  async function handshakes(count, plaintext) {
    // Whose identity keys these are was decided before: they are pinned, and imported.
    const alice = { signer: makeSigner(), agreement: makeKey() };
    const [bundleBytes, certificateBytes, transcript] = [randomBytes(2700), randomBytes(120), randomBytes(3600)];
    const aliceCertificate = alice.signer.sign(certificateBytes);
    const peers = Array.from({ length: count }, () => {
      const signer = makeSigner();
      const signed = { bundle: signer.sign(bundleBytes), certificate: signer.sign(certificateBytes) };
      return { signer, kem: makeKem(), signed, agreement: makeKey(), prekey: makeKey(), oneTime: makeKey() };
    });
    const check = (signer, message, signature) => {
      if (!signer.verify(message, signature)) throw new Error('a signature does not verify');
    };
    return (i) => {
      const bob = peers[i];
      check(bob.signer, bundleBytes, bob.signed.bundle);
      check(bob.signer, certificateBytes, bob.signed.certificate);
      const ephemeral = makeKey();
      const [ciphertext, sharedKey] = calls.encapsulate(bob.kem.wire);
      const [prekey, agreement, oneTime] = [receive(bob.prekey.raw), receive(bob.agreement.raw), receive(bob.oneTime.raw)];
      const mine = [agree(alice.agreement, prekey), agree(ephemeral, agreement), agree(ephemeral, prekey), agree(ephemeral, oneTime)];
      const hash = sha256(transcript);
      const [root, headerKey] = hkdf(new Uint8Array(32), Buffer.concat([...mine, sharedKey]));
      const signature = alice.signer.sign(hash);
      const ratchet = makeKey();
      const [, chain] = hkdf(root, agree(ratchet, prekey));
      const wire = sealMessage({ 0: chain, headerKey }, 0, Buffer.concat([one, signature, plaintext]));

      check(alice.signer, certificateBytes, aliceCertificate);
      const [initiator, theirEphemeral] = [receive(alice.agreement.raw), receive(ephemeral.raw)];
      const theirs = [
        agree(bob.prekey, initiator),
        agree(bob.agreement, theirEphemeral),
        agree(bob.prekey, theirEphemeral),
        agree(bob.oneTime, theirEphemeral),
      ];
      const peerHash = sha256(transcript);
      const [peerRoot, peerHeaderKey] = hkdf(new Uint8Array(32), Buffer.concat([...theirs, bob.kem.open(ciphertext)]));
      const [, peerChain] = hkdf(peerRoot, agree(bob.prekey, receive(ratchet.raw)));
      const opened = openMessage({ 0: peerChain, headerKey: peerHeaderKey }, 0, wire);
      check(alice.signer, peerHash, opened.subarray(1, 65));
      return [opened.subarray(65), 0];
    };
  }

  return { name: 'floor of talos/1: the required calls only, header encryption and KEM included', sync: true, newPair, handshakes };
}

/** @param calls - `floor-calls-node.mjs` if not given, or `floor-calls-portable.mjs`. */
export async function make(calls = nodeCalls) {
  return floorOver(calls);
}
