/** The recorder: gives each entry its time, id and place in this process's own sequence. @module */
import { hashBase64url } from '#suite';
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import type { Env } from '../env/env.ts';
import { AuditError } from '../errors/audit-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { commitmentInput, payloadBytes, saltLength, type Opening } from './commitment.ts';
import { generateEntryId } from './entry-id.ts';
import { encodeEntry, lookupKeys, type EntryType, type LookupKey } from './entry.ts';
import type { StoredOpening } from './private-store.ts';

/** Payloads by field: bytes as they are, JSON in canonical form. Only their commitments go into the entry. */
export type CommitInput = { readonly [field: string]: Uint8Array | JsonValue };

/** Under it stands what seals the payloads for one person. A symbol, so that no JSON can hold it. */
export const sealing: unique symbol = /* @__PURE__ */ Symbol();

/** @param drawn - 32 random bytes as its salt.   @returns what is committed to, and what is stored. */
export type Sealing = (drawn: Opening) => readonly [Opening, StoredOpening];

/** What the caller knows. Further members are plain restricted JSON and are hashed with the rest; members that are `undefined` are left out. */
export type EntryInput = {
  readonly type: EntryType;
  /** Default: a UUIDv7. */
  readonly id?: string;
  /** DID or key id of whoever acted. */
  readonly agent?: string;
  /** Id of the tool call; request and result share it. */
  readonly call?: string;
  /** SHA-256 of a sealed frame, as text; the same at both ends. */
  readonly message_hash?: string;
  readonly commit?: CommitInput;
  readonly [sealing]?: Sealing;
  readonly [member: string]: JsonValue | CommitInput | undefined;
};

/** An entry that is complete, and not yet in the log. */
export type RecordedEntry = {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly keys: readonly LookupKey[];
  readonly openings: readonly StoredOpening[];
};

/** args, result, prompt, subject and a few more; a store numbers openings as index × 16 + place. */
export const maxCommitments = 16;

/** A caller who could set these could forge the sequence that makes gaps visible. */
const assignedMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['v', 'time', 'recorder', 'recorder_seq', 'recorder_prev', '__proto__']);

/** A recorder's name: 128 bits, so that two starts never share one. */
const recorderBytes = 16;

type CommittingInput = { readonly commit: CommitInput; readonly [sealing]?: Sealing };

export class Recorder {
  readonly #env: Env;
  readonly #name: string;
  #sequence = 0;
  #previous: string | undefined;
  #time = { ms: Number.NaN, text: '' };

  constructor(env: Env, name?: string) {
    this.#env = env;
    this.#name = name ?? encodeBase64url(env.randomBytes(recorderBytes));
  }

  /**
   * Completes an entry. The sequence moves on only if it succeeds.
   * @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY`.   @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a member that the recorder assigns.
   */
  record(input: EntryInput): RecordedEntry {
    const entry: Record<string, JsonValue> = {};
    for (const member of Object.keys(input)) {
      if (assignedMembers.has(member)) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `the log assigns ${member}: leave it out` });
      const value = input[member];
      if (member !== 'commit' && value !== undefined) entry[member] = value as JsonValue;
    }
    const openings = input.commit === undefined ? [] : this.#open(entry, input as CommittingInput);
    const id = input.id ?? generateEntryId(this.#env);
    entry['v'] = 1;
    entry['id'] = id;
    entry['time'] = this.#now();
    entry['recorder'] = this.#name;
    entry['recorder_seq'] = this.#sequence;
    if (this.#previous !== undefined) entry['recorder_prev'] = this.#previous;
    const { bytes, leafHash } = encodeEntry(entry);
    this.#sequence++;
    // Text first: the suite gives it whole, where a text put together from bytes leaves a kilobyte per entry to the collector.
    this.#previous = leafHash;
    return { id, bytes, leafHash: decodeBase64url(leafHash), keys: lookupKeys(entry), openings };
  }

  /** Puts the commitments into the entry and returns what opens them. */
  #open(entry: Record<string, JsonValue>, { commit, [sealing]: seal }: CommittingInput): StoredOpening[] {
    const fields = Object.keys(commit);
    if (fields.length > maxCommitments)
      throw new AuditError({ code: 'TALOS_AUDIT_BAD_ENTRY', message: `an entry holds at most ${maxCommitments} commitments` });
    const commitments: Record<string, string> = {};
    const openings = fields.map((field) => {
      const drawn = { field, salt: this.#env.randomBytes(saltLength), payload: payloadBytes(commit[field] as Uint8Array | JsonValue) };
      const [opening, stored] = seal?.(drawn) ?? [drawn, drawn];
      commitments[field] = hashBase64url(commitmentInput(opening));
      return stored;
    });
    entry['commit'] = commitments as JsonObject;
    return openings;
  }

  /** Formatting a date costs as much as hashing a leaf; many entries share a millisecond. */
  #now(): string {
    const ms = Math.floor(this.#env.now());
    if (ms !== this.#time.ms) this.#time = { ms, text: new Date(ms).toISOString() };
    return this.#time.text;
  }
}
