/** Olm: its constants, its message formats, and both halves of its triple agreement. From the published description of Olm. */
import { agreeX25519, importX25519PublicKey } from '../../packages/core/src/primitives/node.ts';
import type { X25519SecretKey } from '../../packages/core/src/primitives/keys.ts';
import { Secret } from '../../packages/core/src/primitives/secret.ts';
import { beginRatchet, type RatchetState } from '../../packages/core/src/session/ratchet-state.ts';
import type { Env } from '../../packages/core/src/env/env.ts';
import type { Speaker } from './conversation.ts';
import { bodyKeys, checkTag, decryptCbc, drawKey, encryptCbc, hkdf, join, RatchetEnd, tagLength, tagOf, type ForeignProtocol } from './foreign-ratchet.ts';
import { bytesOf, numberOf, readFields, writeFields } from './protobuf.ts';
import { responder } from './responder.ts';

const version = Uint8Array.of(3);
const messageFields = { ratchetKey: 1, chainIndex: 2, ciphertext: 4 };
const openingFields = { oneTimeKey: 1, baseKey: 2, identityKey: 3, message: 4 };

const olmProtocol: ForeignProtocol = {
  rootInfo: 'OLM_RATCHET',
  seal: (plaintext, { ratchetKey, number }, messageKey) => {
    const keys = bodyKeys(messageKey, 'OLM_KEYS');
    const fields = [
      { tag: messageFields.ratchetKey, value: ratchetKey },
      { tag: messageFields.chainIndex, value: number },
      { tag: messageFields.ciphertext, value: encryptCbc(keys, plaintext) },
    ];
    const message = join(version, writeFields(fields));
    return join(message, tagOf(keys.macKey, message));
  },
  open: (wire, messageKey) => {
    const keys = bodyKeys(messageKey, 'OLM_KEYS');
    const message = wire.subarray(0, -tagLength);
    checkTag(wire.subarray(-tagLength), tagOf(keys.macKey, message));
    return decryptCbc(keys, bytesOf(readFields(message.subarray(1)), messageFields.ciphertext));
  },
  readHeader: (wire) => {
    const fields = readFields(wire.subarray(1, -tagLength));
    return { ratchetKey: bytesOf(fields, messageFields.ratchetKey).slice(), number: numberOf(fields, messageFields.chainIndex) };
  },
};

export type OlmOwn = { readonly identity: X25519SecretKey; readonly oneTimeKey: X25519SecretKey };

export function drawOlmKeys(env: Env): OlmOwn {
  return { identity: drawKey(env), oneTimeKey: drawKey(env) };
}

export type OlmBundle = { readonly identity: Uint8Array; readonly oneTimeKey: Uint8Array };

/** We open the session. */
export function olmInitiator(own: OlmOwn, bundle: OlmBundle, env: Env): Speaker {
  const [identity, oneTimeKey] = [importX25519PublicKey(bundle.identity), importX25519PublicKey(bundle.oneTimeKey)];
  const base = drawKey(env);
  const { root, chain } = agree([agreeX25519(own.identity, oneTimeKey), agreeX25519(base, identity), agreeX25519(base, oneTimeKey)]);
  const sending = { ownRatchetKey: drawKey(env), chainKey: chain, headerKey: empty(), nextNumber: 0 };
  const end = new RatchetEnd(begin(root, { kind: 'sending', chain: sending }, env), olmProtocol, env);
  let isAnswered = false;
  return {
    send: (text) => {
      const message = end.send(new TextEncoder().encode(text));
      if (isAnswered) return join(Uint8Array.of(0), message);
      const fields = [
        { tag: openingFields.oneTimeKey, value: bundle.oneTimeKey },
        { tag: openingFields.baseKey, value: base.publicKey.bytes },
        { tag: openingFields.identityKey, value: own.identity.publicKey.bytes },
        { tag: openingFields.message, value: message },
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

/** The peer opens it, with these keys. */
export function olmResponder(own: OlmOwn, env: Env): Speaker {
  return responder(openingFields.message, (fields) => accept(own, fields, env));
}

/** The first chain begins with the agreement itself, under the ratchet key that its messages name. */
function accept(own: OlmOwn, fields: ReadonlyMap<number, number | Uint8Array>, env: Env): RatchetEnd {
  const identity = importX25519PublicKey(bytesOf(fields, openingFields.identityKey).slice());
  const base = importX25519PublicKey(bytesOf(fields, openingFields.baseKey).slice());
  const { root, chain } = agree([agreeX25519(own.oneTimeKey, identity), agreeX25519(own.identity, base), agreeX25519(own.oneTimeKey, base)]);
  const peerRatchetKey = importX25519PublicKey(olmProtocol.readHeader(bytesOf(fields, openingFields.message)).ratchetKey);
  const state = begin(root, { kind: 'waiting', peerRatchetKey }, env);
  return new RatchetEnd({ ...state, receiving: { id: 1, peerRatchetKey, chainKey: chain, headerKey: empty(), nextNumber: 0 } }, olmProtocol, env);
}

function agree(shared: readonly Uint8Array[]): { readonly root: Secret; readonly chain: Secret } {
  const keys = hkdf({ ikm: join(...shared), info: 'OLM_ROOT', length: 64 });
  return { root: new Secret(keys.slice(0, 32)), chain: new Secret(keys.slice(32)) };
}

function begin(rootKey: Secret, turn: RatchetState['turn'], env: Env): RatchetState {
  return beginRatchet({ rootKey, turn, nextSendingHeaderKey: empty(), nextReceivingHeaderKey: empty() }, env.now());
}

function empty(): Secret {
  return new Secret(new Uint8Array(32));
}
