/** What a model is told of a tool, hashed: for grants that pin it. @module */
import { toolDigest } from '@talosprotocol/core/capability';
import { asSchema } from 'ai';

type Described = { readonly description?: unknown; readonly inputSchema?: unknown };
type JsonSchema = Parameters<typeof toolDigest>[0]['inputSchema'];

/** By schema: schemas do not change, and to write one as JSON takes longer than a guarded call. A server that changes its tool brings another schema. */
const digests = /* @__PURE__ */ new WeakMap<object, Map<string, string>>();

/** Tools that share one schema; beyond it a description is made up anew each time, and nothing is worth keeping. */
const maxTools = 64;

/**
 * The digest of the tool as it is now; undefined if it has no fixed definition, such as a description that is computed: a grant that pins it refuses.
 * A promise only for a schema that has to be loaded.
 */
export function digestOf(name: string, tool: Described): string | undefined | Promise<string | undefined> {
  const { description = '', inputSchema } = tool;
  if (typeof description !== 'string' || (typeof inputSchema !== 'object' && typeof inputSchema !== 'function') || inputSchema === null) return undefined;
  const known = knownOf(inputSchema);
  const key = `${name}\0${description}`;
  const digest = known.get(key);
  if (digest !== undefined) return digest;
  const keep = (schema: unknown): string => {
    const made = toolDigest({ name, description, inputSchema: schema as JsonSchema });
    known.set(key, made);
    return made;
  };
  try {
    const { jsonSchema } = asSchema(inputSchema as Parameters<typeof asSchema>[0]);
    if ('then' in jsonSchema) return Promise.resolve(jsonSchema).then(keep, () => undefined);
    return keep(jsonSchema);
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
 * @returns 64 hexadecimal digits each; none for a tool whose description is computed.
 */
export async function toolDigests(tools: { readonly [name: string]: object }): Promise<Record<string, string>> {
  const all = await Promise.all(Object.entries(tools).map(async ([name, tool]) => [name, await digestOf(name, tool)] as const));
  return Object.fromEntries(all.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}
