import { encodeHex } from '../bytes/hex.ts';
import type { Env } from '../env/env.ts';

/** A UUIDv7 (RFC 9562 §5.7): sorts by time, which keeps a store's index compact, and 74 random bits that nobody can guess. */
export function generateEntryId(env: Env): string {
  const bytes = env.randomBytes(16);
  let time = Math.floor(env.now());
  for (let i = 5; i >= 0; i--) {
    bytes[i] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  const text = encodeHex(bytes);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}
