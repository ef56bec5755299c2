/**
 * A usage statement: what a provider bills, signed; the caller checks it against its own log, and countersigns or answers with the difference
 * (docs/spec/08 §7). @module
 */
import { sha256 } from '#suite';
import { encodeBase64url } from '../bytes/base64url.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { EvidenceError } from '../errors/evidence-error.ts';
import type { Signer } from '../identity/signer.ts';
import { readCount, readList, readMembers, readText, requireAscending, type Field } from './fields.ts';
import type { AgentKeysAt } from './key-epochs.ts';
import type { RestingReceipt } from './receipts-at-rest.ts';
import { formatStatement, parseStatement, signStatementPayload, verifyStatement, refuse } from './signed-statement.ts';
import { compareUsage, maxUsageCalls, usageOf, type ToolUsage, type Usage, type UsageDifference, type UsagePeriod } from './usage.ts';

const statementType = 'application/vnd.talos.usage+json';
const answerType = 'application/vnd.talos.usage-answer+json';

/** Where in the provider's log the receipts stand: a range proof of these entries to this checkpoint shows that none was left out. */
export type UsageWindow = { readonly origin: string; readonly start: number; readonly end: number; readonly size: number };

/** The payload, canonical JSON. */
export type UsageStatement = UsagePeriod & Usage & { readonly v: 1; readonly window: UsageWindow };

export type StateUsage = UsagePeriod & { readonly receipts: readonly RestingReceipt[]; readonly window: UsageWindow; readonly signer: Signer };

/** @returns the statement, signed by the provider.   @throws as `usageOf`. */
export async function stateUsage({ receipts, window, signer, ...period }: StateUsage): Promise<string> {
  const { provider, caller, from, to } = period;
  const statement = { v: 1, provider, caller, from, to, window, ...usageOf(receipts, period) };
  const payload = encodeUtf8(canonicalJson(statement as unknown as JsonObject));
  readStatement(statement as unknown as JsonObject);
  return formatStatement(statementType, { payload, signatures: [await signStatementPayload(statementType, payload, signer)] });
}

export type VerifiedUsage = { readonly state: 'provider-signed' | 'both-signed'; readonly statement: UsageStatement };

/**
 * Checks who signed a statement. What it says is for `answerUsage` to check.
 * @throws {@link EvidenceError} `TALOS_EVIDENCE_MALFORMED`, `TALOS_EVIDENCE_SIGNATURE`.
 */
export function verifyUsage(text: string, keysAt: AgentKeysAt): VerifiedUsage {
  const { payload, signatures, value } = parseStatement(statementType, text);
  const statement = readStatement(value);
  const [byProvider, byCaller] = signatures;
  const at = Math.floor(statement.to / 1000);
  verifyStatement(statementType, { payload, signature: byProvider }, keysAt(statement.provider, at));
  if (byCaller === undefined) return { state: 'provider-signed', statement };
  // One key in both places is one party that agrees with itself.
  if (byCaller.keyid === byProvider?.keyid)
    throw new EvidenceError({ code: 'TALOS_EVIDENCE_SIGNATURE', message: 'the statement was refused: both signatures are by one key' });
  verifyStatement(statementType, { payload, signature: byCaller }, keysAt(statement.caller, at));
  return { state: 'both-signed', statement };
}

export type UsageAnswer =
  /** `statement`: with both signatures. */
  | { readonly agreed: true; readonly statement: string }
  /** `answer`: the difference, signed by the caller. */
  | { readonly agreed: false; readonly differences: readonly UsageDifference[]; readonly answer: string };

export type AnswerUsage = {
  /** The caller's own, from its own log. */
  readonly receipts: readonly RestingReceipt[];
  readonly keysAt: AgentKeysAt;
  readonly signer: Signer;
  /** Who answers: the statement has to be to this agent. */
  readonly caller: string;
};

/**
 * Signs a statement that is, call by call and sum by sum, what one's own log says; answers any other with the difference.
 * @throws {@link EvidenceError} as `verifyUsage`; `TALOS_EVIDENCE_MALFORMED` if it is to somebody else.
 */
export async function answerUsage(text: string, { receipts, keysAt, signer, caller }: AnswerUsage): Promise<UsageAnswer> {
  const { statement } = verifyUsage(text, keysAt);
  if (statement.caller !== caller) throw refuse('is to another caller');
  const { payload, signatures } = parseStatement(statementType, text);
  const differences = compareUsage(statement, usageOf(receipts, statement), receipts);
  if (differences.length === 0) {
    const own = await signStatementPayload(statementType, payload, signer);
    return { agreed: true, statement: formatStatement(statementType, { payload, signatures: [...signatures.slice(0, 1), own] }) };
  }
  const answer = encodeUtf8(canonicalJson({ v: 1, statement: hashOf(payload), caller, differences: differences as unknown as JsonValue }));
  return {
    agreed: false,
    differences,
    answer: formatStatement(answerType, { payload: answer, signatures: [await signStatementPayload(answerType, answer, signer)] }),
  };
}

/**
 * What the caller answered to this statement, if it signed it.
 * @throws {@link EvidenceError} `TALOS_EVIDENCE_MALFORMED` if it answers another one, `TALOS_EVIDENCE_SIGNATURE`.
 */
export function readUsageAnswer(
  answer: string,
  { statement: text, keysAt }: { readonly statement: string; readonly keysAt: AgentKeysAt },
): readonly UsageDifference[] {
  const { payload, signatures, value } = parseStatement(answerType, answer);
  const { v, statement, caller, differences } = readMembers({ value, at: 'answer' }, ['v', 'statement', 'caller', 'differences']);
  const answered = verifyUsage(text, keysAt).statement;
  if (readCount(v) !== 1 || readText(statement, 64) !== hashOf(parseStatement(statementType, text).payload) || readText(caller, 256) !== answered.caller)
    throw refuse('answers another statement');
  verifyStatement(
    answerType,
    { payload, signature: signatures.length === 1 ? signatures[0] : undefined },
    keysAt(answered.caller, Math.floor(answered.to / 1000)),
  );
  // Each call and each tool once at most: what it says is the caller's word, in its own signature.
  return readList(differences, 2 * maxUsageCalls).map((field) => readDifference(field));
}

/** Members by kind, as `compareUsage` makes them; those of a sum are what both sides say, as they say it. */
const differenceMembers: { readonly [code: string]: readonly string[] } = {
  UNKNOWN: ['code', 'request', 'stated'],
  STATE: ['code', 'request', 'stated', 'own'],
  NOT_LISTED: ['code', 'request', 'own'],
  SUM: ['code', 'tool', 'stated', 'own'],
};

function readDifference(field: Field): UsageDifference {
  const { code } = (field.value ?? {}) as { readonly code?: unknown };
  if (typeof code !== 'string' || !Object.hasOwn(differenceMembers, code)) throw refuse('has a difference of an unknown kind');
  const members = readMembers(field, differenceMembers[code] as readonly string[]);
  for (const [name, member] of Object.entries(members)) {
    if (code !== 'SUM' || name === 'tool' || name === 'code') readText(member, maxName);
    else readMembers(member, ['calls', 'cost', 'units']);
  }
  return field.value as unknown as UsageDifference;
}

function hashOf(payload: Uint8Array): string {
  return encodeBase64url(sha256(payload));
}

const maxDid = 128;
const maxName = 256;

function readStatement(value: JsonObject): UsageStatement {
  const top = readMembers({ value, at: 'usage' }, ['v', 'provider', 'caller', 'from', 'to', 'window', 'tools', 'unacknowledged', 'disputed']);
  if (readCount(top.v) !== 1) throw refuse('is of another version');
  const statement: UsageStatement = {
    v: 1,
    provider: readText(top.provider, maxDid),
    caller: readText(top.caller, maxDid),
    from: readCount(top.from),
    to: readCount(top.to),
    window: readWindow(top.window),
    tools: readTools(top.tools),
    unacknowledged: readHashes(top.unacknowledged),
    disputed: readHashes(top.disputed),
  };
  if (statement.from >= statement.to) throw refuse('is of a period that is none');
  requireOnce(statement);
  return statement;
}

function readWindow(field: Field): UsageWindow {
  const { origin, start, end, size } = readMembers(field, ['origin', 'start', 'end', 'size']);
  const window = { origin: readText(origin, maxName), start: readCount(start), end: readCount(end), size: readCount(size) };
  if (window.start >= window.end || window.end > window.size) throw refuse('names a window that is none');
  return window;
}

/** A second line of one tool would be signed by a caller who compared the first, and billed. */
function readTools(field: Field): ToolUsage[] {
  const tools = readList(field, maxUsageCalls).map(readTool);
  requireAscending(field, tools, ({ tool }) => [tool]);
  return tools;
}

/** Each call stands in one place: under a second tool, or counted and open as well, it would be two things. */
function requireOnce({ tools, unacknowledged, disputed }: Usage): void {
  const all = [...tools.flatMap(({ requests }) => requests), ...unacknowledged, ...disputed];
  if (all.length > maxUsageCalls) throw refuse(`names more than ${maxUsageCalls} calls`);
  if (new Set(all).size !== all.length) throw refuse('names a call twice');
}

function readTool(field: Field): ToolUsage {
  const { tool, calls, units, cost, requests } = readMembers(field, ['tool', 'calls', 'units', 'cost', 'requests']);
  const read = { tool: readText(tool, maxName), calls: readCount(calls), requests: readHashes(requests) };
  if (read.calls !== read.requests.length) throw refuse('counts other calls than it names');
  return { ...read, units: mapMembers(units, readCount), cost: mapMembers(cost, readAmount) };
}

function readHashes(field: Field): string[] {
  const hashes = readList(field, maxUsageCalls).map((item) => readText(item, 64));
  requireAscending(field, hashes, (hash) => [hash]);
  return hashes;
}

function readAmount(field: Field): string {
  const amount = readText(field, 64);
  if (!/^\d+(\.\d+)?$/.test(amount)) throw refuse('has a cost that is no decimal number');
  return amount;
}

function mapMembers<T>({ value, at }: Field, read: (field: Field) => T): { [name: string]: T } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(`has no object at ${at}`);
  return Object.fromEntries(Object.entries(value as JsonObject).map(([name, member]) => [name, read({ value: member, at: `${at}.…` })]));
}
