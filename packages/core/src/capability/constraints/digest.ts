/** `digest`: one exact value that the token does not show (docs/spec/02 §6.16). @module */
import { sha256 } from '#suite';
import { decodeBase64url, encodeBase64url } from '../../bytes/base64url.ts';
import { canonicalJson } from '../../bytes/canonical-json.ts';
import { concatBytes } from '../../bytes/concat.ts';
import type { JsonValue } from '../../bytes/json-value.ts';
import { encodeUtf8 } from '../../bytes/utf8.ts';
import type { Env } from '../../env/env.ts';
import { closedObject } from '../closed-object.ts';
import type { ConstraintKind } from '../constraint-kind.ts';

/** `salt`: 32 random bytes. `hash`: SHA-256 over the label, the salt and the canonical JSON of the value. Both base64url. */
export type DigestRule = { readonly salt: string; readonly hash: string };

/** Exactly this value, kept out of the token. A value of few possibilities can be guessed by who holds the token: the salt stands beside the hash. */
export function digest(value: JsonValue, { env }: { readonly env: Env }): { readonly digest: DigestRule } {
  const salt = env.randomBytes(32);
  return { digest: { salt: encodeBase64url(salt), hash: commit(value, salt) } };
}

const members: ReadonlySet<string> = /* @__PURE__ */ new Set(['salt', 'hash']);
const label = /* @__PURE__ */ encodeUtf8('talos/commit/v1\0value\0');

export const digestKind: ConstraintKind = {
  whole: true,
  compile(rule) {
    const { salt, hash } = closedObject(rule, members) ?? {};
    const saltBytes = decode32(salt);
    if (saltBytes === undefined || decode32(hash) === undefined) return undefined;
    return (value) => {
      try {
        return commit(value as JsonValue, saltBytes) === hash;
      } catch {
        // What has no canonical form is nothing that was committed to.
        return false;
      }
    };
  },
};

function commit(value: JsonValue, salt: Uint8Array): string {
  return encodeBase64url(sha256(concatBytes(label, salt, encodeUtf8(canonicalJson(value)))));
}

function decode32(text: unknown): Uint8Array | undefined {
  try {
    const bytes = decodeBase64url(text as string);
    return bytes.length === 32 ? bytes : undefined;
  } catch {
    return undefined;
  }
}
