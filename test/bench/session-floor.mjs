/**
 * The floor under our sessions: only the node:crypto calls that suite talos/1 requires, header encryption and KEM included, with no framing,
 * no state, no store and no check. Same interface as `session-adapter.mjs`.
 * @module
 */
import * as crypto from 'node:crypto';

const [one, two, empty] = [Uint8Array.of(1), Uint8Array.of(2), new Uint8Array(0)];
const info = new TextEncoder().encode('talos/1 root');
const associatedData = new Uint8Array(120).fill(7);
const header = new Uint8Array(41).fill(9);

/** HMAC by two one-shot hashes: for messages of a byte the cheapest way that Node offers. */
const [inner, outer] = [new Uint8Array(64 + 512), new Uint8Array(96)];
function hmac(key, message) {
  for (let i = 0; i < 32; i++) [inner[i], outer[i]] = [key[i] ^ 0x36, key[i] ^ 0x5c];
  inner.fill(0x36, 32, 64);
  outer.fill(0x5c, 32, 64);
  inner.set(message, 64);
  outer.set(crypto.hash('sha256', inner.subarray(0, 64 + message.length), 'buffer'), 64);
  return crypto.hash('sha256', outer, 'buffer');
}

function hkdf(salt, ikm) {
  const key = hmac(salt, ikm);
  const blocks = [empty];
  for (let i = 1; i <= 3; i++) blocks.push(hmac(key, Buffer.concat([blocks[i - 1], info, Uint8Array.of(i)])));
  return blocks.slice(1);
}

function seal(key, nonce, plaintext) {
  const cipher = crypto.createCipheriv('chacha20-poly1305', crypto.createSecretKey(key), nonce, { authTagLength: 16 });
  cipher.setAAD(associatedData, { plaintextLength: plaintext.length });
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}

function unseal(key, nonce, [ciphertext, tag]) {
  const decipher = crypto.createDecipheriv('chacha20-poly1305', crypto.createSecretKey(key), nonce, { authTagLength: 16 });
  decipher.setAAD(associatedData, { plaintextLength: ciphertext.length });
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  decipher.final();
  return plaintext;
}

const rawOf = (key) => Buffer.from(key.export({ format: 'jwk' }).x, 'base64url');
const makeKey = (curve) => {
  const { privateKey, publicKey } = crypto.generateKeyPairSync(curve);
  return { privateKey, raw: rawOf(publicKey) };
};
const importKey = (crv, raw) => crypto.createPublicKey({ key: { kty: 'OKP', crv, x: raw.toString('base64url') }, format: 'jwk' });
/** A key that came over the wire: imported once. */
const received = (key) => importKey('X25519', key.raw);
const agree = ({ privateKey }, publicKey) => crypto.diffieHellman({ privateKey, publicKey });

const pool = crypto.randomBytes(4096);
let offset = 0;
const drawNonce = () => pool.subarray((offset = (offset + 12) % 4080), offset + 12);

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
  const keys = [makeKey('x25519'), makeKey('x25519')];
  const raws = [keys[0].raw, keys[1].raw];
  const root = crypto.randomBytes(32);
  const roots = [root, root];
  const chains = [0, 1].map(() => ({ 0: hmac(root, one), 1: hmac(root, one), headerKey: hmac(root, two) }));
  let last = -1;
  const step = (to) => {
    const peer = importKey('X25519', raws[1 - to]);
    const [root] = hkdf(roots[to], agree(keys[to], peer));
    keys[to] = makeKey('x25519');
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
    size: (wire) => wire.body[0].length + 16 + 41 + 16 + 12,
  };
}

async function handshakes(count, plaintext) {
  // Whose identity keys these are was decided before: they are pinned, and imported.
  const makeSigner = () => crypto.generateKeyPairSync('ed25519');
  const alice = { signer: makeSigner(), agreement: makeKey('x25519') };
  const [bundleBytes, certificateBytes, transcript] = [crypto.randomBytes(2700), crypto.randomBytes(120), crypto.randomBytes(3600)];
  const aliceCertificate = crypto.sign(null, certificateBytes, alice.signer.privateKey);
  const peers = Array.from({ length: count }, () => {
    const signer = makeSigner();
    const kem = crypto.generateKeyPairSync('ml-kem-768');
    const signed = { bundle: crypto.sign(null, bundleBytes, signer.privateKey), certificate: crypto.sign(null, certificateBytes, signer.privateKey) };
    const kemDer = kem.publicKey.export({ format: 'der', type: 'spki' });
    return { signer, kem, kemDer, signed, agreement: makeKey('x25519'), prekey: makeKey('x25519'), oneTime: makeKey('x25519') };
  });
  const check = (publicKey, message, signature) => {
    if (!crypto.verify(null, message, publicKey, signature)) throw new Error('a signature does not verify');
  };
  return (i) => {
    const bob = peers[i];
    check(bob.signer.publicKey, bundleBytes, bob.signed.bundle);
    check(bob.signer.publicKey, certificateBytes, bob.signed.certificate);
    const ephemeral = makeKey('x25519');
    const kemKey = crypto.createPublicKey({ key: bob.kemDer, format: 'der', type: 'spki' });
    const { ciphertext, sharedKey } = crypto.encapsulate(kemKey);
    const [prekey, agreement, oneTime] = [received(bob.prekey), received(bob.agreement), received(bob.oneTime)];
    const mine = [agree(alice.agreement, prekey), agree(ephemeral, agreement), agree(ephemeral, prekey), agree(ephemeral, oneTime)];
    const hash = crypto.hash('sha256', transcript, 'buffer');
    const [root, headerKey] = hkdf(new Uint8Array(32), Buffer.concat([...mine, sharedKey]));
    const signature = crypto.sign(null, hash, alice.signer.privateKey);
    const ratchet = makeKey('x25519');
    const [, chain] = hkdf(root, agree(ratchet, prekey));
    const wire = sealMessage({ 0: chain, headerKey }, 0, Buffer.concat([one, signature, plaintext]));

    check(alice.signer.publicKey, certificateBytes, aliceCertificate);
    const [initiator, theirEphemeral] = [received(alice.agreement), received(ephemeral)];
    const theirs = [agree(bob.prekey, initiator), agree(bob.agreement, theirEphemeral), agree(bob.prekey, theirEphemeral), agree(bob.oneTime, theirEphemeral)];
    const peerHash = crypto.hash('sha256', transcript, 'buffer');
    const [peerRoot, peerHeaderKey] = hkdf(new Uint8Array(32), Buffer.concat([...theirs, crypto.decapsulate(bob.kem.privateKey, ciphertext)]));
    const [, peerChain] = hkdf(peerRoot, agree(bob.prekey, received(ratchet)));
    const opened = openMessage({ 0: peerChain, headerKey: peerHeaderKey }, 0, wire);
    check(alice.signer.publicKey, peerHash, opened.subarray(1, 65));
    return [opened.subarray(65), 0];
  };
}

export async function make() {
  return { name: 'floor of talos/1: node:crypto only, header encryption and KEM included', sync: true, newPair, handshakes };
}
