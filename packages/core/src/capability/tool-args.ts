/**
 * The arguments of one tool, by the names in its schema: a name that the tool does not have is a compile error, where without it
 * every call would be refused. Types only: no schema library is imported, and a tool of any framework is read by its shape.
 * @module
 */
import type { Constraint, ToolArgs } from './constraint.ts';

/** Where the frameworks keep a tool's schema. LangChain: `schema`. Mastra, AI SDK, MCP: `inputSchema`. Anything else is the schema itself. */
type SchemaOf<Tool> = Tool extends { readonly schema: infer Schema }
  ? Schema
  : Tool extends { readonly inputSchema?: infer Schema }
    ? NonNullable<Schema>
    : Tool;

/** The members of a JSON Schema that bring in names from elsewhere. */
type Composed = { readonly [Keyword in 'allOf' | 'anyOf' | 'oneOf' | '$ref' | 'patternProperties']: { readonly [Name in Keyword]: unknown } }[
  | 'allOf'
  | 'anyOf'
  | 'oneOf'
  | '$ref'
  | 'patternProperties'];

/**
 * What the tool receives: the output of the schema, after its defaults and coercions, because that is what a guard checks.
 * Standard Schema (zod, valibot, arktype, …), the AI SDK's `jsonSchema()` and lazy schemas, or the `properties` of a JSON Schema whose type
 * is known. `unknown` where the type does not say.
 */
export type ArgumentsOf<Tool> = OutputOf<SchemaOf<Tool>>;

type OutputOf<Schema> = Schema extends { readonly '~standard': { readonly types?: infer Types } }
  ? NonNullable<Types> extends { readonly output: infer Output }
    ? Output
    : unknown
  : Schema extends () => infer Lazy
    ? OutputOf<Lazy>
    : Schema extends { readonly _type: infer Output; readonly jsonSchema: unknown }
      ? Output
      : Schema extends Composed
        ? unknown
        : Schema extends { readonly properties?: infer Properties }
          ? Properties
          : unknown;

/** Of a union every member's names; of what is not known to be an object, all. */
type NamesOf<Arguments> = unknown extends Arguments
  ? string
  : Arguments extends readonly unknown[] | ((...args: never) => unknown)
    ? string
    : Arguments extends object
      ? Extract<keyof Arguments, string>
      : string;

/** {@link ToolArgs} with the argument names of one tool or schema, and `'*': 'any'`. */
export type ToolArgsOf<Tool> =
  string extends NamesOf<ArgumentsOf<Tool>> ? ToolArgs : { readonly [Name in NamesOf<ArgumentsOf<Tool>>]?: Constraint } & { readonly '*'?: 'any' };

/**
 * What a grant allows of one tool: `grant({ …, tools: { readFile: toolArgs(readFile, { path: subpath('docs') }) } })`.
 * The compiler checks the names; nothing is looked at when it runs, and `args` come back as they are.
 * @param _tool - A tool of LangChain, Mastra, the AI SDK or MCP, or a schema.
 */
export function toolArgs<const Tool extends object>(_tool: Tool, args: ToolArgsOf<Tool>): ToolArgs {
  return args as ToolArgs;
}
