import { digest, type DigestRule } from '../../../src/capability/index.ts';
import type { JsonValue } from '../../../src/bytes/json-value.ts';
import { clockAt } from '../support.ts';

/** A commitment with the same salt each time. */
export function commitOf(value: JsonValue): DigestRule {
  return digest(value, { env: { ...clockAt(), randomBytes: (length) => new Uint8Array(length).fill(5) } }).digest;
}
