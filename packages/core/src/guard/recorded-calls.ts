import type { Opening } from '../audit/commitment.ts';
import type { Entry } from '../audit/entry.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import type { RecordedCall } from '../capability/recommend.ts';

/** An entry and what opens its commitments, as the log gives them. */
export type OpenedEntry = { readonly entry: Entry; readonly openings: readonly Opening[] };

/** Arguments are copied to this depth before they are recorded. */
const maxDepth = 40;

/**
 * The calls that a log holds, for `recommend` and `simulate`: those that ran, observed ones among them, and with `refused` those that did not.
 * A call whose arguments were erased, or never opened, is left out.
 */
export function recordedCalls(entries: readonly OpenedEntry[], options: { readonly refused?: boolean } = {}): RecordedCall[] {
  const calls: RecordedCall[] = [];
  for (const { entry, openings } of entries) {
    if (entry.type !== 'tool.request' && !(options.refused === true && entry.type === 'policy.decision')) continue;
    const tool = entry['gen_ai.tool.name'];
    const input = openedArgs(openings);
    if (typeof tool === 'string' && input !== undefined) calls.push({ tool, input });
  }
  return calls;
}

function openedArgs(openings: readonly Opening[]): JsonObject | undefined {
  const args = openings.find(({ field }) => field === 'args');
  if (args === undefined) return undefined;
  const value: JsonValue = parseStrictJson(decodeUtf8(args.payload), { maxDepth });
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}
