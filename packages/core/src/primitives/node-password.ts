/** scrypt (RFC 7914) for key files; Node only, since only Node has files. @module */
import * as crypto from 'node:crypto';

/** 128 MiB and about 0.4 s a guess on one core: OWASP's first choice for scrypt (N = 2^17, r = 8, p = 1). */
const cost = { N: 2 ** 17, r: 8, p: 1, maxmem: 160 * 1024 * 1024 };

/** @param input.salt - 16 bytes. @returns 32 bytes. */
export function derivePasswordKey(input: { readonly passphrase: string; readonly salt: Uint8Array }): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    crypto.scrypt(input.passphrase.normalize('NFKC'), input.salt, 32, cost, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
