/** What a model is told of a tool, hashed: for grants that pin it. @module */
import { toolDigest } from '@talosprotocol/core/capability';
import { standardSchemaToJSONSchema, toStandardSchema } from '@mastra/core/schema';
import type { Tools, ToolShape } from './tool-shape.ts';

type JsonSchema = Parameters<typeof toolDigest>[0]['inputSchema'];

/** By schema: schemas do not change, and to write one as JSON takes longer than a guarded call. A server that changes its tool brings another schema. */
const digests = /* @__PURE__ */ new WeakMap<object, Map<string, string>>();

/** Tools that share one schema; beyond it a description is made up anew each time, and nothing is worth keeping. */
const maxTools = 64;

/** The digest of the tool as it is now; undefined if it has no schema that can be written as JSON: a grant that pins it refuses. */
export function digestOf(name: string, tool: ToolShape): string | undefined {
  const { description = '' } = tool as { readonly description?: unknown };
  const schema = tool.inputSchema ?? tool.parameters;
  if (typeof description !== 'string' || (typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return undefined;
  const known = knownOf(schema);
  const key = `${name}\0${description}`;
  const digest = known.get(key);
  if (digest !== undefined) return digest;
  try {
    const inputSchema = standardSchemaToJSONSchema(toStandardSchema(schema as never), { io: 'input' }) as JsonSchema;
    const made = toolDigest({ name, description, inputSchema });
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
 * @returns 64 hexadecimal digits each; none for a tool without a schema.
 */
export function toolDigests(tools: Tools): Record<string, string> {
  const all = Object.entries(tools).map(([name, tool]) => [name, digestOf(name, tool)] as const);
  return Object.fromEntries(all.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}
