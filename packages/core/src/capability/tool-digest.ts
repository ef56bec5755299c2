import { sha256 } from '#suite';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { encodeHex } from '../bytes/hex.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';

/** What a model is told of a tool. */
export type ToolDefinition = { readonly name: string; readonly description: string; readonly inputSchema: JsonValue };

/**
 * SHA-256 of the canonical form of a tool's definition, hexadecimal, for `tool_digest`: a server that changes what its tool says of itself
 * has another tool.
 * @throws {@link EncodingError} if the schema is not I-JSON.
 */
export function toolDigest({ name, description, inputSchema }: ToolDefinition): string {
  return encodeHex(sha256(encodeUtf8(canonicalJson({ name, description, inputSchema }))));
}
