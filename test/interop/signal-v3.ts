/** Signal's version 3 (X3DH, no KEM): its constants, its message formats, and both halves of its handshake. From Signal's published specifications. */
import { agreeX25519, importX25519PublicKey } from '../../packages/core/src/primitives/node.ts';
import type { X25519PublicKey, X25519SecretKey } from '../../packages/core/src/primitives/keys.ts';
import { Secret } from '../../packages/core/src/primitives/secret.ts';
import { beginRatchet, type RatchetStart } from '../../packages/core/src/session/ratchet-state.ts';
import type { Env } from '../../packages/core/src/env/env.ts';
import type { Speaker } from './conversation.ts';
import { bodyKeys, checkTag, decryptCbc, drawKey, encryptCbc, hkdf, join, RatchetEnd, tagLength, tagOf, type ForeignProtocol } from './foreign-ratchet.ts';
import { bytesOf, numberOf, readFields, writeFields } from './protobuf.ts';
import { responder } from './responder.ts';

const version = Uint8Array.of(0x33);
const messageFields = { ratchetKey: 1, counter: 2, previousCounter: 3, ciphertext: 4 };
const openingFields = { preKeyId: 1, baseKey: 2, identityKey: 3, message: 4, registrationId: 5, signedPreKeyId: 6 };

/** A Curve25519 key on Signal's wire: its type before it. */
export function typed(key: Uint8Array): Uint8Array {
  return join(Uint8Array.of(5), key);
}

type Identities = { readonly own: Uint8Array; readonly peer: Uint8Array };

function signalProtocol({ own, peer }: Identities): ForeignProtocol {
  return {
    rootInfo: 'WhisperRatchet',
    seal: (plaintext, { ratchetKey, previousCount, number }, messageKey) => {
      const keys = bodyKeys(messageKey, 'WhisperMessageKeys');
      const fields = [
        { tag: messageFields.ratchetKey, value: typed(ratchetKey) },
        { tag: messageFields.counter, value: number },
        { tag: messageFields.previousCounter, value: Math.max(0, previousCount - 1) },
        { tag: messageFields.ciphertext, value: encryptCbc(keys, plaintext) },
      ];
      const message = join(version, writeFields(fields));
      return join(message, tagOf(keys.macKey, typed(own), typed(peer), message));
    },
    open: (wire, messageKey) => {
      const keys = bodyKeys(messageKey, 'WhisperMessageKeys');
      const message = wire.subarray(0, -tagLength);
      checkTag(wire.subarray(-tagLength), tagOf(keys.macKey, typed(peer), typed(own), message));
      return decryptCbc(keys, bytesOf(readFields(message.subarray(1)), messageFields.ciphertext));
    },
    readHeader: (wire) => {
      const fields = readFields(wire.subarray(1, -tagLength));
      const ratchetKey = bytesOf(fields, messageFields.ratchetKey).slice(1);
      return { ratchetKey, number: numberOf(fields, messageFields.counter), previousField: numberOf(fields, messageFields.previousCounter) };
    },
  };
}

export type SignalOwn = { readonly identity: X25519SecretKey; readonly signedPreKey: X25519SecretKey; readonly preKey: X25519SecretKey };

export function drawSignalKeys(env: Env): SignalOwn {
  return { identity: drawKey(env), signedPreKey: drawKey(env), preKey: drawKey(env) };
}

/** The peer's bundle, keys of 32 bytes. */
export type SignalBundle = { readonly identity: Uint8Array; readonly signedPreKey: Uint8Array; readonly preKey: Uint8Array };
export const preKeyIds = { preKeyId: 31, signedPreKeyId: 22, registrationId: 4711 };

/** We open the session. */
export function signalInitiator(own: SignalOwn, bundle: SignalBundle, env: Env): Speaker {
  const [identity, signedPreKey, preKey] = [bundle.identity, bundle.signedPreKey, bundle.preKey].map((key) => importX25519PublicKey(key)) as [
    X25519PublicKey,
    X25519PublicKey,
    X25519PublicKey,
  ];
  const base = drawKey(env);
  const keys = agree([agreeX25519(own.identity, signedPreKey), agreeX25519(base, identity), agreeX25519(base, signedPreKey), agreeX25519(base, preKey)]);
  const ownIdentity = own.identity.publicKey.bytes;
  const end = ratchetFrom(keys.root, { kind: 'waiting', peerRatchetKey: signedPreKey }, { own: ownIdentity, peer: bundle.identity }, env);
  let isAnswered = false;
  return {
    send: (text) => {
      const message = end.send(new TextEncoder().encode(text));
      if (isAnswered) return join(Uint8Array.of(0), message);
      const fields = [
        { tag: openingFields.preKeyId, value: preKeyIds.preKeyId },
        { tag: openingFields.baseKey, value: typed(base.publicKey.bytes) },
        { tag: openingFields.identityKey, value: typed(ownIdentity) },
        { tag: openingFields.message, value: message },
        { tag: openingFields.registrationId, value: preKeyIds.registrationId },
        { tag: openingFields.signedPreKeyId, value: preKeyIds.signedPreKeyId },
      ];
      return join(Uint8Array.of(1), version, writeFields(fields));
    },
    receive: (wire) => {
      const text = new TextDecoder().decode(end.receive(wire.subarray(1)));
      isAnswered = true;
      return text;
    },
  };
}

/** The peer opens it, with a bundle of these keys. */
export function signalResponder(own: SignalOwn, env: Env): Speaker {
  return responder(openingFields.message, (fields) => accept(own, fields, env));
}

function accept(own: SignalOwn, fields: ReadonlyMap<number, number | Uint8Array>, env: Env): RatchetEnd {
  const identity = bytesOf(fields, openingFields.identityKey).slice(1);
  const base = importX25519PublicKey(bytesOf(fields, openingFields.baseKey).slice(1));
  const { signedPreKey, preKey } = own;
  const shared = [agreeX25519(signedPreKey, importX25519PublicKey(identity)), ...[own.identity, signedPreKey, preKey].map((key) => agreeX25519(key, base))];
  return ratchetFrom(agree(shared).root, { kind: 'opening', ownRatchetKey: signedPreKey }, { own: own.identity.publicKey.bytes, peer: identity }, env);
}

function agree(shared: readonly Uint8Array[]): { readonly root: Uint8Array } {
  // Its second half is a chain that nobody sends in: the initiator makes a ratchet step before its first message.
  return { root: hkdf({ ikm: join(new Uint8Array(32).fill(0xff), ...shared), info: 'WhisperText', length: 64 }).slice(0, 32) };
}

// oxlint-disable-next-line max-params -- a test's own helper
function ratchetFrom(root: Uint8Array, turn: RatchetStart['turn'], identities: Identities, env: Env): RatchetEnd {
  const empty = () => new Secret(new Uint8Array(32));
  const start: RatchetStart = { rootKey: new Secret(root), turn, nextSendingHeaderKey: empty(), nextReceivingHeaderKey: empty() };
  return new RatchetEnd(beginRatchet(start, env.now()), signalProtocol(identities), env);
}
