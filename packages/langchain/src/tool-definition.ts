/** What a model is told of a tool, hashed: for grants that pin it. @module */
import { digestsBySchema, pinnable } from '@talosprotocol/core/capability';
import { toJsonSchema } from '@langchain/core/utils/json_schema';

type Described = { readonly description?: unknown; readonly schema?: unknown };
type Named = Described & { readonly name?: string | undefined };

const digests = /* @__PURE__ */ digestsBySchema((schema) => toJsonSchema(schema as Parameters<typeof toJsonSchema>[0]));

/** The digest of the tool as it is now; undefined if it has no schema that can be written as JSON: a grant that pins it refuses. */
export function digestOf(name: string, { description, schema }: Described): string | undefined {
  return digests({ name, description, schema });
}

/**
 * The digests of tools by name, for `tool_digest` of a grant: another description or schema is then another tool, and is refused.
 * @returns 64 hexadecimal digits each; none for a tool whose schema cannot be written as JSON.
 */
export function toolDigests(tools: readonly Named[]): Record<string, string> {
  return pinnable(tools.map((tool) => [tool.name ?? '', digestOf(tool.name ?? '', tool)]));
}
