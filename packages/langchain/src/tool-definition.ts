/** What a model is told of a tool, hashed: for grants that pin it. @module */
import { toolDigest } from '@talosprotocol/core/capability';
import { toJsonSchema } from '@langchain/core/utils/json_schema';

type Described = { readonly description?: unknown; readonly schema?: unknown };
type Named = Described & { readonly name?: string | undefined };
type JsonSchema = Parameters<typeof toolDigest>[0]['inputSchema'];

/** By schema: schemas do not change, and to write one as JSON takes longer than a guarded call. A server that changes its tool brings another schema. */
const digests = /* @__PURE__ */ new WeakMap<object, Map<string, string>>();

/** Tools that share one schema; beyond it a description is made up anew each time, and nothing is worth keeping. */
const maxTools = 64;

/** The digest of the tool as it is now; undefined if it has no schema that can be written as JSON: a grant that pins it refuses. */
export function digestOf(name: string, tool: Described): string | undefined {
  const { description = '', schema } = tool;
  if (typeof description !== 'string' || typeof schema !== 'object' || schema === null) return undefined;
  const known = knownOf(schema);
  const key = `${name}\0${description}`;
  const digest = known.get(key);
  if (digest !== undefined) return digest;
  try {
    const made = toolDigest({ name, description, inputSchema: toJsonSchema(schema as Parameters<typeof toJsonSchema>[0]) as JsonSchema });
    known.set(key, made);
    return made;
  } catch {
    // A schema that is no JSON is told to no model.
    return undefined;
  }
}

function knownOf(schema: object): Map<string, string> {
  const known = digests.get(schema);
  if (known !== undefined && known.size < maxTools) return known;
  const empty = new Map<string, string>();
  digests.set(schema, empty);
  return empty;
}

/**
 * The digests of tools by name, for `tool_digest` of a grant: another description or schema is then another tool, and is refused.
 * @returns 64 hexadecimal digits each; none for a tool whose schema cannot be written as JSON.
 */
export function toolDigests(tools: readonly Named[]): Record<string, string> {
  const all = tools.map((tool) => [tool.name ?? '', digestOf(tool.name ?? '', tool)] as const);
  return Object.fromEntries(all.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}
