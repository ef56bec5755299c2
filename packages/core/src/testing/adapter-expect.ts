/** How a case of the adapter suite says what differed. @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import type { LoggedEntry } from './adapter-world.ts';

export function same(what: string, actual: JsonValue | undefined, expected: JsonValue | undefined): void {
  const [seen, wanted] = [actual, expected].map((value) => (value === undefined ? 'nothing' : canonicalJson(value)));
  if (seen !== wanted) throw new Error(`${what}: expected ${wanted}, got ${seen}`);
}

export function truth(what: string, holds: boolean): void {
  if (!holds) throw new Error(what);
}

/** The types of the entries and, of a refusal, its code: what a call left in the log, in one line. */
export function trail(entries: readonly LoggedEntry[]): string {
  return entries.map((entry) => [entry.type, codeOf(entry) ?? textOf(entry['outcome'])].join(' ').trimEnd()).join(', ');
}

export function ofCall(entries: readonly LoggedEntry[], id: string): readonly LoggedEntry[] {
  return entries.filter((entry) => entry['gen_ai.tool.call.id'] === id);
}

/** A member that is text. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function codeOf(entry: LoggedEntry): string | undefined {
  const policy = entry['policy'] as JsonObject | undefined;
  return policy?.['decision'] === 'deny' ? (policy['code'] as string) : undefined;
}

/** The refusal that the model was sent, wherever in the framework's words it stands. */
export function refusalIn(answer = ''): JsonObject {
  const from = answer.slice(Math.max(0, answer.indexOf('{')));
  const ends = [...from.matchAll(/\}/g)].map(({ index }) => index + 1).toReversed();
  for (const end of ends) {
    const refusal = parsed(from.slice(0, end));
    if (refusal?.['denied'] === true) return refusal;
  }
  throw new Error(`the model was not told of a refusal, but: ${answer}`);
}

function parsed(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined;
  }
}

/** That the call was refused with this code, told so in the agreed form, and recorded once. */
export function refused(
  seen: { readonly answers: { readonly [id: string]: string }; readonly entries: readonly LoggedEntry[] },
  id: string,
  code: string,
): void {
  const refusal = refusalIn(seen.answers[id]);
  same('code that the model sees', refusal['code'], code);
  truth('the refusal says no sentence', typeof refusal['message'] === 'string' && refusal['message'].length < 200);
  truth('the refusal does not say whether to try again', typeof refusal['retryable'] === 'boolean');
  same(`trail of ${id}`, trail(ofCall(seen.entries, id)), `policy.decision ${code}`);
}
