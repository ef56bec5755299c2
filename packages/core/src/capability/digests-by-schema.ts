/** Digests of tools whose schema is a framework's own object: to write one as JSON takes longer than a guarded call. @module */
import type { JsonValue } from '../bytes/json-value.ts';
import { toolDigest } from './tool-digest.ts';

/** A tool as a framework has it: what is of another type is no definition that could be pinned. */
export type SchemaTool = { readonly name: string; readonly description?: unknown; readonly schema: unknown };

/** `Written` is a promise where a schema may have to be loaded. */
type Digest<Written> = string | undefined | (Written extends PromiseLike<unknown> ? Promise<string | undefined> : never);

/** Tools that share one schema; beyond it a description is made up anew each time, and nothing is worth keeping. */
const maxTools = 64;

/**
 * Remembers digests by schema object, name and description: schemas do not change, and a server that changes its tool brings another one.
 * @param write - A schema as JSON. What it throws says that there is none.
 * @returns `toolDigest` of the tool as it is now; undefined if it has no fixed definition, such as a description that is computed: a grant that
 * pins it refuses.
 */
export function digestsBySchema<Written>(write: (schema: object) => Written): (tool: SchemaTool) => Digest<Written> {
  const digests = new WeakMap<object, Map<string, string>>();
  return ({ name, description = '', schema }) => {
    if (typeof description !== 'string' || (typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return undefined;
    const known = knownOf(digests, schema);
    const key = `${name}\0${description}`;
    const digest = known.get(key);
    if (digest !== undefined) return digest;
    const keep = (inputSchema: unknown): string => {
      const made = toolDigest({ name, description, inputSchema: inputSchema as JsonValue });
      known.set(key, made);
      return made;
    };
    try {
      const written = write(schema);
      return isPromise(written) ? (written.then(keep).then(undefined, () => undefined) as Digest<Written>) : keep(written);
    } catch {
      // A schema that is no JSON is told to no model.
      return undefined;
    }
  };
}

function knownOf(digests: WeakMap<object, Map<string, string>>, schema: object): Map<string, string> {
  const known = digests.get(schema);
  if (known !== undefined && known.size < maxTools) return known;
  const empty = new Map<string, string>();
  digests.set(schema, empty);
  return empty;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function';
}

/** The tools that have one, for `tool_digest` of a grant. */
export function pinnable(digests: readonly (readonly [name: string, digest: string | undefined])[]): Record<string, string> {
  return Object.fromEntries(digests.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}
