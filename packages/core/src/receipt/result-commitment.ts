/** What an outcome commits to: one value, or the chunks of a stream in their order (docs/spec/07 §4). @module */
import { sha256 } from '#suite';
import { encodeBase64url } from '../bytes/base64url.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { concatBytes } from '../bytes/concat.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { OutcomeClaims } from './outcome.ts';
import { refuse } from './refuse.ts';

export const resultSaltLength = 32;

const domain = /* @__PURE__ */ encodeUtf8('talos/commit/v1\0result\0');
const chunkDomain = /* @__PURE__ */ encodeUtf8('talos/chunk/v1\0');

/** What opens the commitment of an outcome: a value, or the hash that a {@link ChunkHash} came to. */
export type ResultOpening = { readonly salt: Uint8Array } & ({ readonly value: JsonValue } | { readonly chunks: ChunkHash });

/**
 * SHA-256("talos/commit/v1\0" ‖ "result" ‖ 0x00 ‖ salt ‖ payload), base64url; payload is the canonical JSON of the value, or the stream's hash.
 * @throws {@link UsageError} unless the salt has 32 bytes; {@link EncodingError} `TALOS_ENCODING_JSON` on what is not plain JSON.
 */
export function commitToResult(opening: ResultOpening): string {
  const { salt } = opening;
  if (!(salt instanceof Uint8Array) || salt.length !== resultSaltLength) {
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `a commitment salt has ${resultSaltLength} bytes` });
  }
  const payload = 'chunks' in opening ? opening.chunks.digest : encodeUtf8(canonicalJson(opening.value));
  return encodeBase64url(sha256(concatBytes(domain, salt, payload)));
}

/**
 * Returns if the outcome is about this result.
 * @throws {@link ReceiptError} `TALOS_RECEIPT_MISMATCH`.
 */
export function verifyResult({ form, chunks, result_commit: commitment }: OutcomeClaims, opening: ResultOpening): void {
  const isSameForm = 'chunks' in opening ? form === 'stream' && chunks === opening.chunks.count : form === 'json';
  if (!isSameForm || !opens(commitment, opening)) throw refuse('TALOS_RECEIPT_MISMATCH', 'the outcome is about another result');
}

function opens(commitment: string | undefined, opening: ResultOpening): boolean {
  try {
    // A public comparison: whoever holds the salt can compute both sides.
    return commitToResult(opening) === commitment;
  } catch {
    return false;
  }
}

/** The running hash of a stream: h₀ = 32 zero bytes, hᵢ = SHA-256("talos/chunk/v1\0" ‖ hᵢ₋₁ ‖ JCS(chunkᵢ)). Order, number and content are in it. */
export class ChunkHash {
  #digest: Uint8Array = new Uint8Array(32);
  #count = 0;

  /** @throws {@link EncodingError} `TALOS_ENCODING_JSON`. */
  add(chunk: JsonValue): void {
    this.#digest = sha256(concatBytes(chunkDomain, this.#digest, encodeUtf8(canonicalJson(chunk))));
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** 32 bytes. */
  get digest(): Uint8Array {
    return this.#digest;
  }
}
