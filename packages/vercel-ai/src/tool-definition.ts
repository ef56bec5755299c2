/** What a model is told of a tool, hashed: for grants that pin it. @module */
import { digestsBySchema, pinnable } from '@talosprotocol/core/capability';
import { asSchema } from 'ai';

type Described = { readonly description?: unknown; readonly inputSchema?: unknown };

const digests = /* @__PURE__ */ digestsBySchema((schema) => asSchema(schema as Parameters<typeof asSchema>[0]).jsonSchema);

/**
 * The digest of the tool as it is now; undefined if it has no fixed definition, such as a description that is computed: a grant that pins it refuses.
 * A promise only for a schema that has to be loaded.
 */
export function digestOf(name: string, { description, inputSchema }: Described): string | undefined | Promise<string | undefined> {
  return digests({ name, description, schema: inputSchema });
}

/**
 * The digests of tools by name, for `tool_digest` of a grant: another description or schema is then another tool, and is refused.
 * @returns 64 hexadecimal digits each; none for a tool whose description is computed.
 */
export async function toolDigests(tools: { readonly [name: string]: object }): Promise<Record<string, string>> {
  return pinnable(await Promise.all(Object.entries(tools).map(async ([name, tool]) => [name, await digestOf(name, tool)] as const)));
}
