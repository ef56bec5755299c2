/** The smallest grant that would have allowed a refused call (docs/spec/02 §9). @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { maxConstraints, maxJsonDepth, maxMissingBytes } from './bounds.ts';
import type { MissingGrant } from './denial.ts';
import { isToolName } from './tool-name.ts';

/** Levels of a token above a grant: claims and authorization_details. */
const levelsAbove = 2;

/**
 * Exactly this tool with exactly these values. Undefined if no token could say it: a name outside the grammar, an argument called `*`,
 * a value that is not I-JSON, or more than fits. It holds the caller's values: for the caller, never for an error or a log line.
 */
export function missingGrant(tool: string, input: JsonObject): MissingGrant | undefined {
  const names = Reflect.ownKeys(input);
  if (!isToolName(tool) || names.length > maxConstraints) return undefined;
  const args: [string, { readonly eq: JsonValue }][] = [];
  for (const name of names) {
    const property = Object.getOwnPropertyDescriptor(input, name);
    if (typeof name !== 'string' || name === '*' || property?.enumerable !== true) return undefined;
    args.push([name, { eq: property.value as JsonValue }]);
  }
  // fromEntries defines own properties: an argument called `__proto__` stays an argument.
  const grant: MissingGrant = { type: 'talos_tool', tools: [tool], args: Object.fromEntries(args) };
  return fitsToken(grant) ? grant : undefined;
}

/** Written and read by the rules of a token: what either refuses, a getter's absent value included, no token can carry. */
function fitsToken(grant: MissingGrant): boolean {
  try {
    const text = canonicalJson(grant as unknown as JsonObject);
    if (encodeUtf8(text).length > maxMissingBytes) return false;
    parseStrictJson(text, { maxDepth: maxJsonDepth - levelsAbove });
    return true;
  } catch {
    return false;
  }
}
