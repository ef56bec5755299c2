import type { JsonObject, JsonValue } from '../bytes/json-value.ts';

/** The value as an object whose members are all among `names`; undefined otherwise. An unknown member may have meant to forbid. */
export function closedObject(value: JsonValue | undefined, names: ReadonlySet<string>): JsonObject | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  for (const name of Object.keys(value)) if (!names.has(name)) return undefined;
  return value as JsonObject;
}
