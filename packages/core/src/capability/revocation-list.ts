/**
 * What an issuer took back, as it travels: an append-only list of signed segments, each with the hash of the one before it, and a signed head
 * that says how long the list is now (docs/spec/05 §4). In files and messages: one compact JWS a line, the head last.
 * @module
 */
import { sha256 } from '#suite';
import { encodeBase64url } from '../bytes/base64url.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { CapabilityError } from '../errors/capability-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { maxIdLength } from './bounds.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import {
  claimShape,
  isHash,
  isJti,
  isSeconds,
  isTextOf,
  isVersion,
  readStatement,
  readStatementClaims,
  signStatement,
  verifyStatement,
} from './signed-claims.ts';
import { TokenFault } from './token-fault.ts';

/** What is taken back: one link by its issuer and `jti`, a holder key by its thumbprint, or all that is done for a task or a subject. */
export type RevocationEntry = { readonly iss: string; readonly jti: string } | { readonly key: string } | { readonly task: string } | { readonly sub: string };

export type RevocationSegment = {
  readonly v: 1;
  readonly iss: AgentId;
  /** From 0, without a gap. */
  readonly seq: number;
  /** SHA-256 of the segment before, base64url; absent at 0. */
  readonly prev?: string;
  /** Seconds since 1970. */
  readonly at: number;
  readonly entries: readonly RevocationEntry[];
};

export type RevocationHead = {
  readonly v: 1;
  readonly iss: AgentId;
  /** All that was issued in an earlier epoch is void. */
  readonly epoch: number;
  /** Segments in the list. */
  readonly size: number;
  /** SHA-256 of the last segment, base64url; absent at size 0. */
  readonly last?: string;
  /** Seconds since 1970: the list was complete then. */
  readonly at: number;
  /** 32 bytes of whoever asked, base64url: the list was complete after they were drawn. Absent in a head that answers nobody. */
  readonly nonce?: string;
};

/** Compact JWS of both. `segments` may begin anywhere: a reader needs only those that it has not seen. */
export type RevocationList = { readonly segments: readonly string[]; readonly head: string };

/** Entries in one segment: more are written as several. */
export const maxSegmentEntries = 4096;

/** Two such segments would not fit a frame: what travels as messages is cut between them. */
const maxSegmentLength = 1 << 19;

/** UTF-8 bytes of the entries in one segment; base64url makes a third more of them. */
const maxEntriesLength = 380_000;

/** With full segments, 400 million entries. */
const maxSegments = 100_000;

const segmentType = 'talos-revocation+jwt';
const headType = 'talos-revocation-head+jwt';

const isId = /* @__PURE__ */ isTextOf(maxIdLength);
const segmentShape = /* @__PURE__ */ claimShape({ v: isVersion, iss: isId, seq: isSeconds, at: isSeconds, entries: isEntries }, { prev: isHash });
const headShape = /* @__PURE__ */ claimShape({ v: isVersion, iss: isId, epoch: isSeconds, size: isSeconds, at: isSeconds }, { last: isHash, nonce: isHash });

const entryShapes: readonly JsonObjectCheck[] = [
  (entry) => isId(entry['iss'] ?? null) && isJti(entry['jti'] ?? null) && Object.keys(entry).length === 2,
  (entry) => isHash(entry['key'] ?? null) && Object.keys(entry).length === 1,
  (entry) => isId(entry['task'] ?? null) && Object.keys(entry).length === 1,
  (entry) => isId(entry['sub'] ?? null) && Object.keys(entry).length === 1,
];

type JsonObjectCheck = (entry: JsonObject) => boolean;

export function signSegment(segment: RevocationSegment, signer: Signer): Promise<string> {
  return signStatement(segmentType, segment as unknown as JsonObject, signer);
}

export function signHead(head: RevocationHead, signer: Signer): Promise<string> {
  return signStatement(headType, head as unknown as JsonObject, signer);
}

/** Entries as the segments that they are written in. */
export function splitEntries(entries: readonly RevocationEntry[]): readonly (readonly RevocationEntry[])[] {
  const segments: RevocationEntry[][] = [];
  let length = maxEntriesLength;
  for (const entry of entries) {
    const entryLength = encodeUtf8(JSON.stringify(entry) ?? '').length + 1;
    length += entryLength;
    if (length > maxEntriesLength || segments.at(-1)?.length === maxSegmentEntries) {
      segments.push([]);
      length = entryLength;
    }
    segments.at(-1)?.push(entry);
  }
  return segments;
}

/** How the next segment, or the head, names a segment. */
export function hashSegment(segment: string): string {
  return encodeBase64url(sha256(encodeUtf8(segment)));
}

/** The text of a list, for a file or a message. */
export function formatRevocationList({ segments, head }: RevocationList): string {
  return [...segments, head].join('\n');
}

/** Splits the text. Nothing is verified yet. @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_REVOCATIONS`. */
export function parseRevocationList(text: string): RevocationList {
  if (typeof text !== 'string') throw badList('it is no text');
  const lines = text.split('\n', maxSegments + 2);
  if (lines.at(-1) === '') lines.pop();
  const head = lines.pop();
  if (head === undefined || lines.length > maxSegments) throw badList(`it has no head, or more than ${maxSegments} segments`);
  return { segments: lines, head };
}

/** What a head claims, before its signature is looked at. @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_REVOCATIONS`. */
export function readHead(token: string): { readonly head: RevocationHead; readonly verify: (keys: IssuerKeys) => RevocationHead } {
  return reading(() => {
    const statement = readStatement(token, { type: headType, maxLength: maxSegmentLength });
    const head = readStatementClaims(statement.payload, headShape) as unknown as RevocationHead;
    if ((head.size === 0) !== (head.last === undefined)) throw badList('its head names no last segment');
    const verify = (keys: IssuerKeys): RevocationHead =>
      reading(() => {
        verifyStatement(statement, issuerKey(head.iss, statement.kid, keys));
        return head;
      });
    return { head, verify };
  });
}

/** @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_REVOCATIONS`. */
export function verifyHead(token: string, keys: IssuerKeys): RevocationHead {
  return readHead(token).verify(keys);
}

/**
 * The segments of a list whose head was verified: they have to follow `after` without a gap and end where the head says. The chain of hashes
 * makes the head's signature theirs; no segment needs a verification of its own.
 * @param after - How many segments are known, and the hash of the last.
 * @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_REVOCATIONS`; `_ROLLED_BACK` if the list is not the one that was seen before.
 */
export function readSegments(
  segments: readonly string[],
  head: RevocationHead,
  after: { readonly size: number; readonly last?: string | undefined },
): ReadSegments {
  const fresh = segments.length - (head.size - after.size);
  // What is known already may be sent along: a whole list is the simplest thing to send.
  if (fresh < 0) throw badList(`segments are missing: it begins after ${head.size - segments.length}, ${after.size} are known`);
  let { last } = after;
  if (fresh > 0 && hashSegment(segments[fresh - 1] as string) !== last) throw rolledBack('it is not the list that was seen before');
  const entries: RevocationEntry[] = [];
  for (const [i, token] of segments.slice(fresh).entries()) {
    const segment = readSegment(token);
    if (segment.iss !== head.iss || segment.seq !== after.size + i) throw badList('a segment is out of order or of another issuer');
    if (segment.prev !== last)
      throw i === 0 ? rolledBack('it does not continue the list that was seen before') : badList('a segment does not follow the one before it');
    for (const entry of segment.entries) entries.push(entry);
    last = hashSegment(token);
  }
  if (last !== head.last) throw rolledBack('its head is of another list');
  return { segments: segments.slice(fresh), entries };
}

export type ReadSegments = { readonly segments: readonly string[]; readonly entries: readonly RevocationEntry[] };

/**
 * Verifies a whole list by itself, for tools and auditors.
 * @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_REVOCATIONS`.
 */
export function verifyRevocationList(list: RevocationList, keys: IssuerKeys): RevocationHead & { readonly entries: readonly RevocationEntry[] } {
  const head = verifyHead(list.head, keys);
  if (list.segments.length !== head.size) throw badList('segments are missing, or too many');
  return { ...head, entries: readSegments(list.segments, head, { size: 0 }).entries };
}

export function badList(reason: string): CapabilityError {
  return new CapabilityError({ code: 'TALOS_CAPABILITY_BAD_REVOCATIONS', message: `the revocation list was refused: ${reason}` });
}

function rolledBack(reason: string): CapabilityError {
  return new CapabilityError({ code: 'TALOS_CAPABILITY_REVOCATIONS_ROLLED_BACK', message: `the revocation list was refused: ${reason}` });
}

/** Seconds since 1970 at which a segment of one's own list was written: the list ended with it then. */
export function segmentTime(token: string): number {
  return readSegment(token).at;
}

function readSegment(token: string): RevocationSegment {
  return reading(() => {
    const segment = readStatementClaims(
      readStatement(token, { type: segmentType, maxLength: maxSegmentLength }).payload,
      segmentShape,
    ) as unknown as RevocationSegment;
    if ((segment.seq === 0) !== (segment.prev === undefined)) throw badList('a segment names none before it');
    return segment;
  });
}

function isEntries(value: JsonValue): boolean {
  if (!Array.isArray(value) || value.length > maxSegmentEntries) return false;
  return (value as readonly JsonValue[]).every(
    (entry) => typeof entry === 'object' && entry !== null && !Array.isArray(entry) && entryShapes.some((fits) => fits(entry as JsonObject)),
  );
}

function issuerKey(issuer: AgentId, kid: string, keys: IssuerKeys): Ed25519PublicKey {
  const key = keys.resolve(issuer, kid);
  if (key === undefined) throw badList('it is not signed by a known key of its issuer');
  return key;
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (fault) {
    throw fault instanceof TokenFault
      ? badList(fault.code === 'SIG_BAD' ? 'its signature does not verify' : `${fault.details.constraint ?? 'it'} is not as docs/spec/05 says`)
      : fault;
  }
}

/** Nothing is ever taken back of what was taken back. */
export function checkForward(known: RevocationHead | undefined, offered: RevocationHead): void {
  if (known === undefined) return;
  if (offered.size < known.size || offered.epoch < known.epoch || offered.at < known.at) throw rolledBack('it is older than the one that was seen before');
}
