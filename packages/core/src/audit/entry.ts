/** One entry of the log: restricted canonical JSON, at most 65,535 bytes (docs/spec/03 §2). @module */
import { encodeUtf8, hashBase64url } from '#suite';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireUint8Array } from '../errors/require.ts';
import { TalosError } from '../errors/talos-error.ts';

/** tlog-tiles entry bundles carry a u16 length. */
export const maxEntryBytes = 0xffff;

/** 0x00, the prefix that `hashLeaf` puts before an entry (RFC 6962 §2.1). */
const leafPrefixText = '\0';

/** What `parseStrictJson` reads back by default. */
export const maxDepth = 16;

/** Ids come from frameworks and peers and are index keys: long enough for any of theirs, too short to fill a disk with. */
export const maxIdLength = 256;

/** Closed under `v: 1`: a reader knows every type or refuses the entry. */
export type EntryType =
  | 'session.open'
  | 'session.close'
  | 'message.out'
  | 'message.in'
  | 'model.turn'
  /** Written before the call, with the decision that allowed it. */
  | 'tool.request'
  | 'tool.result'
  /** A refusal. Stands alone: no request and no result follow. */
  | 'policy.decision'
  | 'capability.issued'
  | 'capability.used'
  | 'capability.revoked'
  | 'key.bound'
  | 'key.revoked'
  | 'approval'
  | 'handoff'
  | 'erasure'
  | 'retention'
  | 'anchor'
  /** A recorder's start, stop, or events it lost. */
  | 'gap'
  | 'config';

const entryTypes: ReadonlySet<string> = /* @__PURE__ */ new Set<EntryType>([
  'session.open',
  'session.close',
  'message.out',
  'message.in',
  'model.turn',
  'tool.request',
  'tool.result',
  'policy.decision',
  'capability.issued',
  'capability.used',
  'capability.revoked',
  'key.bound',
  'key.revoked',
  'approval',
  'handoff',
  'erasure',
  'retention',
  'anchor',
  'gap',
  'config',
]);

/** An entry as it was written. Members that this version does not name are kept: they were hashed too. */
export type Entry = JsonObject & {
  readonly v: 1;
  readonly type: EntryType;
  /** Independent of the log: a UUIDv7, or what the caller gave. */
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. The recorder's clock, not proof of time. */
  readonly time: string;
  /** One value per start of a recorder. */
  readonly recorder: string;
  /** From 0, without a gap within one recorder. */
  readonly recorder_seq: number;
  /** Leaf hash of that recorder's previous entry, base64url; absent at sequence 0. */
  readonly recorder_prev?: string;
  /** Commitments, base64url, by field. */
  readonly commit?: { readonly [field: string]: string };
};

/** Kinds of key under which a store finds an entry: its `id`, the tool call's id, and the `message_hash` of a sealed frame. */
export type LookupKind = 'id' | 'call' | 'message';
export type LookupKey = { readonly kind: LookupKind; readonly key: string };

/** Which members hold the key of each kind. Talos names a call `call`, frameworks give the OpenTelemetry name. */
const lookupMembers: readonly (readonly [LookupKind, string])[] = [
  ['id', 'id'],
  ['call', 'call'],
  ['call', 'gen_ai.tool.call.id'],
  ['message', 'message_hash'],
];

/**
 * The canonical bytes of an entry and their leaf hash as base64url, in which its recorder's next entry names it.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY` on an unknown type, a bad id, a value outside the restricted JSON (null, fractions,
 * integers beyond ±(2^53 − 1), lone surrogates, anything that is not plain data), depth above 16, or more than 65,535 bytes.
 */
export function encodeEntry(entry: JsonObject): { readonly bytes: Uint8Array; readonly leafHash: string } {
  try {
    checkRestricted(entry, 0);
    checkMembers(entry);
    // Encoded behind the leaf prefix, so that the bytes are hashed where they are: an append copies no entry.
    const leaf = encodeUtf8(leafPrefixText + canonicalJson(entry));
    const bytes = leaf.subarray(leafPrefixText.length);
    if (bytes.length > maxEntryBytes) throw refuse(`it has ${bytes.length} bytes, ${maxEntryBytes} are allowed: commit to large payloads instead`);
    return { bytes, leafHash: hashBase64url(leaf) };
  } catch (error) {
    throw asBadEntry(error);
  }
}

/**
 * Reads stored bytes strictly. They are never made canonical again: what is verified is what was hashed.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY`.
 */
export function parseEntry(bytes: Uint8Array): Entry {
  try {
    requireUint8Array('entry', bytes);
    if (bytes.length > maxEntryBytes) throw refuse(`it has more than ${maxEntryBytes} bytes`);
    const value = parseStrictJson(decodeUtf8(bytes), { maxDepth });
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it is not an object');
    checkRestricted(value, 0);
    checkMembers(value as JsonObject);
    return value as Entry;
  } catch (error) {
    throw asBadEntry(error);
  }
}

/** The keys under which the entry is found, each once. */
export function lookupKeys(entry: JsonObject): LookupKey[] {
  const keys: LookupKey[] = [];
  for (const [kind, member] of lookupMembers) {
    const key = entry[member];
    const last = keys.at(-1);
    if (typeof key === 'string' && (last?.kind !== kind || last.key !== key)) keys.push({ kind, key });
  }
  return keys;
}

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY` unless the members that every entry has are as they have to be. */
export function checkMembers(entry: JsonObject): void {
  const { recorder_seq: sequence } = entry;
  if (entry['v'] !== 1) throw refuse('v is not 1');
  if (!entryTypes.has(entry['type'] as string)) throw refuse('its type is unknown');
  if (!isTime(entry['time'])) throw refuse('its time is not RFC 3339 UTC with milliseconds');
  if (typeof sequence !== 'number' || sequence < 0) throw refuse('recorder_seq is not a sequence number');
  if (typeof entry['id'] !== 'string' || typeof entry['recorder'] !== 'string') throw refuse('id or recorder is missing');
  for (const [, member] of lookupMembers) {
    const id = entry[member];
    if (id !== undefined && !isId(id)) throw refuse(`${member} is not a string of 1 to ${maxIdLength} characters`);
  }
}

/** The last one that was one: to ask the calendar takes as long as to hash the entry, and a busy log writes many in one millisecond. */
let lastTime: unknown = {};

/** RFC 3339 with milliseconds. What no clock shows is no number: it would be below no minimum of retention, end no span and be written into no export. */
function isTime(value: unknown): boolean {
  // The form of a year of more than four digits is longer.
  if (value !== lastTime && new Date(value as string).toJSON() === value && value.length === 24) lastTime = value;
  return value === lastTime;
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= maxIdLength;
}

/** audit entries hold strings, booleans, integers, arrays and objects: what every language writes in one way only. */
function checkRestricted(value: JsonValue | undefined, depth: number): void {
  if (typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw refuse('a number is no safe integer: write it as a string');
    return;
  }
  if (typeof value !== 'object' || value === null) throw refuse('null and what is not plain JSON have no place in it');
  if (depth >= maxDepth) throw refuse(`it is nested deeper than ${maxDepth}`);
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) checkRestricted(item, depth + 1);
    return;
  }
  const members = value as JsonObject;
  for (const name in members) checkRestricted(members[name], depth + 1);
}

function asBadEntry(error: unknown): unknown {
  if (!TalosError.isInstance(error) || error instanceof AuditError) return error;
  return new AuditError({ code: 'TALOS_AUDIT_BAD_ENTRY', message: `the entry was refused: ${error.message}`, cause: error });
}

function refuse(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_ENTRY', message: `the entry was refused: ${reason}` });
}
