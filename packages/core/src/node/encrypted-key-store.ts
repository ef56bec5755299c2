/** Keys encrypted before they reach the place that keeps them, under a passphrase or a key that the caller provides (docs/spec/01 §6). @module */
import { decryptAead, encryptAead, randomBytes } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { KeyStore } from '../identity/key-store.ts';
import { derivePasswordKey } from '../primitives/node-password.ts';

export type KeyProtection =
  | { readonly passphrase: string }
  /** Gives the 32-byte key under which the records are encrypted, from a KMS or a keychain. */
  | { readonly keyProvider: () => Promise<Uint8Array> }
  /** In clear, for development. */
  | { readonly unsafeUnprotected: true };

/** Sealed record: magic ‖ version ‖ protection ‖ salt 16 ‖ nonce 12 ‖ ciphertext; all before the ciphertext is associated data, with the record's name. */
const magic = /* @__PURE__ */ encodeUtf8('TALOSKEY');
const version = 1;
const protections = { unprotected: 0, passphrase: 1, provider: 2 } as const;
const headLength = magic.length + 2 + 16 + 12;
/** An identity with its whole history is below 2 MiB. */
export const maxSealedBytes = 4 * 1024 * 1024;
/** What is longer could be saved and never loaded again. */
const maxSecretBytes = maxSealedBytes - headLength - 16;

/**
 * A key store that seals each record and hands it to another one, which sees names and ciphertext: a folder, a table, a bucket.
 * @throws {@link IdentityError} `TALOS_IDENTITY_DEV_IN_PRODUCTION` if unprotected and NODE_ENV is production.
 */
export function encryptedKeyStore(options: { readonly records: KeyStore; readonly protection: KeyProtection }): KeyStore {
  const { records, protection } = options;
  if ('unsafeUnprotected' in protection && process.env.NODE_ENV === 'production') {
    throw new IdentityError({
      code: 'TALOS_IDENTITY_DEV_IN_PRODUCTION',
      message: 'unprotected keys are refused when NODE_ENV is production: pass passphrase or keyProvider',
    });
  }
  return {
    async load(record) {
      const bytes = await records.load(record);
      return bytes === undefined ? undefined : open({ bytes, record, protection });
    },
    save: async (record, secret, expected) => records.save(record, await seal({ secret, record, protection }), expected),
  };
}

type Sealing = { readonly record: string; readonly protection: KeyProtection };

async function seal({ secret, record, protection }: Sealing & { readonly secret: Uint8Array }): Promise<Uint8Array> {
  if (secret.length > maxSecretBytes) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `a record has at most ${maxSecretBytes} bytes` });
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const head = concatBytes(magic, Uint8Array.of(version, protectionId(protection)), salt, nonce);
  const key = await keyFor(protection, salt);
  if (key === undefined) return concatBytes(head, secret);
  return concatBytes(head, encryptAead({ key, nonce, associatedData: concatBytes(head, encodeUtf8(record)), plaintext: secret }));
}

async function open({ bytes, record, protection }: Sealing & { readonly bytes: Uint8Array }): Promise<Uint8Array> {
  const head = bytes.subarray(0, headLength);
  if (bytes.length < headLength || !magic.every((byte, i) => head[i] === byte) || head[magic.length] !== version)
    throw locked('it is not a key file of this version');
  if (head[magic.length + 1] !== protectionId(protection)) throw locked('it was saved under another kind of protection (passphrase, keyProvider or none)');
  const key = await keyFor(protection, head.subarray(magic.length + 2, magic.length + 18));
  if (key === undefined) return bytes.slice(headLength);
  try {
    return decryptAead({
      key,
      nonce: head.subarray(headLength - 12),
      associatedData: concatBytes(head, encodeUtf8(record)),
      ciphertext: bytes.subarray(headLength),
    });
  } catch {
    throw locked('the passphrase is wrong or the file is damaged');
  }
}

function protectionId(protection: KeyProtection): number {
  if ('passphrase' in protection) return protections.passphrase;
  return 'keyProvider' in protection ? protections.provider : protections.unprotected;
}

async function keyFor(protection: KeyProtection, salt: Uint8Array): Promise<Uint8Array | undefined> {
  if ('passphrase' in protection) return derivePasswordKey({ passphrase: protection.passphrase, salt });
  if (!('keyProvider' in protection)) return undefined;
  const key = await protection.keyProvider();
  if (!(key instanceof Uint8Array) || key.length !== 32) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'keyProvider must give 32 bytes' });
  return key;
}

function locked(reason: string): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_LOCKED', message: `the key file does not open: ${reason}` });
}
