/** What a model is told of a tool, hashed: for grants that pin it. @module */
import { digestsBySchema, pinnable } from '@talosprotocol/core/capability';
import { standardSchemaToJSONSchema, toStandardSchema } from '@mastra/core/schema';
import type { Tools, ToolShape } from './tool-shape.ts';

const digests = /* @__PURE__ */ digestsBySchema((schema) => standardSchemaToJSONSchema(toStandardSchema(schema as never), { io: 'input' }));

/** The digest of the tool as it is now; undefined if it has no schema that can be written as JSON: a grant that pins it refuses. */
export function digestOf(name: string, tool: ToolShape): string | undefined {
  const { description } = tool as { readonly description?: unknown };
  return digests({ name, description, schema: tool.inputSchema ?? tool.parameters });
}

/**
 * The digests of tools by name, for `tool_digest` of a grant: another description or schema is then another tool, and is refused.
 * @returns 64 hexadecimal digits each; none for a tool without a schema.
 */
export function toolDigests(tools: Tools): Record<string, string> {
  return pinnable(Object.entries(tools).map(([name, tool]) => [name, digestOf(name, tool)]));
}
