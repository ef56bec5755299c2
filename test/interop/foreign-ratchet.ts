/**
 * Our ratchet under another protocol's constants. Ours, as the product runs it: which chain a message belongs to, ratchet turns, KDF_RK and
 * KDF_CK, keys passed over, bounds, and that a state moves only after the tag. The other protocol's: the label of KDF_RK, how a message key
 * seals a body, the bytes on the wire, and a header in clear. Left out: header keys and the post-quantum step, which neither has.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Env } from '../../packages/core/src/env/env.ts';
import { importX25519SecretKey } from '../../packages/core/src/primitives/node.ts';
import type { X25519SecretKey } from '../../packages/core/src/primitives/keys.ts';
import { Secret } from '../../packages/core/src/primitives/secret.ts';
import { ratchetDecrypt } from '../../packages/core/src/session/double-ratchet-decrypt.ts';
import { ratchetEncrypt } from '../../packages/core/src/session/double-ratchet-encrypt.ts';
import type { MessageHeader } from '../../packages/core/src/session/header.ts';
import { beginPostQuantum } from '../../packages/core/src/session/post-quantum-step.ts';
import type { RatchetConstants } from '../../packages/core/src/session/ratchet-constants.ts';
import type { RatchetState } from '../../packages/core/src/session/ratchet-state.ts';

export type ClearHeader = Pick<MessageHeader, 'ratchetKey' | 'previousCount' | 'number'>;

/** What a protocol puts in the place of ours. */
export type ForeignProtocol = {
  readonly rootInfo: string;
  /** The message, with its tag. */
  seal(plaintext: Uint8Array, header: ClearHeader, messageKey: Uint8Array): Uint8Array;
  /** Throws if the tag is not that of this key. */
  open(wire: Uint8Array, messageKey: Uint8Array): Uint8Array;
  readHeader(wire: Uint8Array): { readonly ratchetKey: Uint8Array; readonly number: number; readonly previousField?: number };
};

/** A header in clear is not tried under keys: where ours has the key of a chain, this has the chain's ratchet key, and this for the next one. */
const nextChain = new Uint8Array(32);

export class RatchetEnd {
  state: RatchetState;
  readonly #protocol: ForeignProtocol;
  readonly #env: Env;

  constructor(state: RatchetState, protocol: ForeignProtocol, env: Env) {
    this.#protocol = protocol;
    this.#env = env;
    this.state = named(state);
  }

  send(plaintext: Uint8Array): Uint8Array {
    const { state, message } = ratchetEncrypt(this.state, { plaintext, binding: nothing, constants: this.#constants() }, this.#env);
    this.state = named(state);
    return message.ciphertext;
  }

  receive(wire: Uint8Array): Uint8Array {
    const { ratchetKey, number, previousField } = this.#protocol.readHeader(wire);
    const header = { ratchetKey, number, previousCount: previousCount(this.state, previousField) };
    const message = { nonce: nothing, encryptedHeader: writeHeader(header), ciphertext: wire };
    const { state, plaintext } = ratchetDecrypt(this.state, { message, binding: nothing, now: this.#env.now(), constants: this.#constants() });
    if (plaintext === undefined) throw new Error('beyond the bound');
    this.state = named(state);
    return plaintext;
  }

  #constants(): RatchetConstants {
    const protocol = this.#protocol;
    const known = [this.state.receiving, ...this.state.oldChains].flatMap((chain) => (chain === undefined ? [] : [hex(chain.headerKey.expose())]));
    return {
      rootInfo: new TextEncoder().encode(protocol.rootInfo),
      encryptHeader: (header) => writeHeader(header),
      openHeader: (bytes, { headerKey }) => {
        const header = readHeader(bytes);
        const isOfChain =
          hex(headerKey.expose()) === hex(nextChain) ? !known.includes(hex(header.ratchetKey)) : hex(headerKey.expose()) === hex(header.ratchetKey);
        return isOfChain ? header : undefined;
      },
      encryptBody: (plaintext, { messageKey, encryptedHeader }) => protocol.seal(plaintext, readHeader(encryptedHeader), messageKey.expose()),
      decryptBody: ({ ciphertext }, { messageKey }) => protocol.open(ciphertext, messageKey.expose()),
    };
  }
}

const nothing = new Uint8Array(0);

/** See `nextChain`; and a post-quantum step never begins. */
function named(state: RatchetState): RatchetState {
  const { receiving } = state;
  const headerKey = receiving === undefined ? undefined : new Secret(Uint8Array.from(receiving.peerRatchetKey.bytes));
  return {
    ...state,
    receiving: receiving === undefined || headerKey === undefined ? undefined : { ...receiving, headerKey },
    nextReceivingHeaderKey: new Secret(Uint8Array.from(nextChain)),
    postQuantum: beginPostQuantum(state.postQuantum.healedAt),
  };
}

/**
 * The messages of the peer's chain before this one. Signal v3 has the number of its last message, which is 0 for none as well; a chain of which we
 * have seen a message had one. Olm says nothing: then none is taken to be missing.
 */
function previousCount({ receiving }: RatchetState, field: number | undefined): number {
  if (receiving === undefined) return 0;
  return field === undefined ? receiving.nextNumber : Math.max(field + 1, receiving.nextNumber);
}

function writeHeader({ ratchetKey, previousCount, number }: ClearHeader): Uint8Array {
  return Uint8Array.from([...ratchetKey, ...u32(previousCount), ...u32(number)]);
}

function readHeader(bytes: Uint8Array): ClearHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { ratchetKey: bytes.slice(0, 32), previousCount: view.getUint32(32), number: view.getUint32(36) };
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Bytes are SHA-256(seed ‖ counter), and time stands still. */
export function fixedEnv(seed: string): Env {
  let counter = 0;
  return {
    now: () => 1_767_225_600_000,
    monotonic: () => 0,
    randomBytes: (length) => Uint8Array.from(createHash('shake256', { outputLength: length }).update(`${seed}/${counter++}`).digest()),
    after: () => () => undefined,
  };
}

export function drawKey(env: Env): X25519SecretKey {
  return importX25519SecretKey(env.randomBytes(32));
}

export function hkdf(input: { readonly ikm: Uint8Array; readonly info: string; readonly length: number }): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', input.ikm, new Uint8Array(32), input.info, input.length));
}

export type BodyKeys = { readonly cipherKey: Uint8Array; readonly macKey: Uint8Array; readonly iv: Uint8Array };

/** Eighty bytes from a message key: both protocols cut them in this order. */
export function bodyKeys(messageKey: Uint8Array, info: string): BodyKeys {
  const keys = hkdf({ ikm: messageKey, info, length: 80 });
  return { cipherKey: keys.slice(0, 32), macKey: keys.slice(32, 64), iv: keys.slice(64) };
}

export function encryptCbc({ cipherKey, iv }: BodyKeys, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-cbc', cipherKey, iv);
  return Buffer.concat([cipher.update(plaintext), cipher.final()]);
}

export function decryptCbc({ cipherKey, iv }: BodyKeys, ciphertext: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-cbc', cipherKey, iv);
  return Uint8Array.from(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
}

export const tagLength = 8;

/** HMAC-SHA-256, cut to eight bytes. */
export function tagOf(macKey: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac('sha256', macKey);
  for (const part of parts) mac.update(part);
  return mac.digest().subarray(0, tagLength);
}

export function checkTag(actual: Uint8Array, expected: Uint8Array): void {
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) throw new Error('the tag is another');
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
