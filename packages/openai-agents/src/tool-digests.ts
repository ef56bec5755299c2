/** What grants pin. @module */
import { pinnable } from '@talosprotocol/core/capability';
import { digestOf } from './guard-tool.ts';

type Described = { readonly name: string; readonly description: string; readonly parameters: object };

/** The digests of function tools by name, for `tool_digest` of a grant: another description or schema is then another tool, and is refused. */
export function toolDigests(tools: readonly Described[]): Record<string, string> {
  return pinnable(tools.map((tool) => [tool.name, digestOf(tool)]));
}
