/**
 * The evidence file: what an outsider needs to check what a log holds, and nothing that he has to believe (docs/spec/08). This file says what
 * it consists of and how much of it there may be. @module
 */
import type { KeyHistory } from '../identity/key-history.ts';

export const evidenceFormat = 'talos/evidence/v1';

/** An entry with its path to a checkpoint of the file. */
export type EntryEvidence = {
  readonly index: number;
  /** Of the checkpoint that the path leads to. */
  readonly size: number;
  /** Sibling hashes, leaf to root, 32 bytes each. */
  readonly proof: readonly Uint8Array[];
  /** As it was hashed. */
  readonly entry: Uint8Array;
};

/** All entries from `start` up to `end − 1`: the window is complete. */
export type RangeEvidence = {
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly proof: readonly Uint8Array[];
  readonly entries: readonly Uint8Array[];
};

/** The tree of `to` begins with that of `from`: a checkpoint of the file, or the head that the reader saw last. */
export type ConsistencyEvidence = { readonly from: number; readonly to: number; readonly proof: readonly Uint8Array[] };

/** What one commitment of one entry opens to. */
export type DisclosureEvidence = { readonly index: number; readonly field: string; readonly salt: Uint8Array; readonly payload: Uint8Array };

/** A signed note with whatever cosignatures it has. */
export type CheckpointEvidence = { readonly size: number; readonly note: string };

export type LogEvidence = {
  readonly origin: string;
  readonly checkpoints: readonly CheckpointEvidence[];
  readonly entries: readonly EntryEvidence[];
  readonly ranges: readonly RangeEvidence[];
  readonly consistency: readonly ConsistencyEvidence[];
  readonly disclosures: readonly DisclosureEvidence[];
};

/** Which keys spoke for an agent, and since when. */
export type HistoryEvidence = { readonly did: string; readonly events: KeyHistory };

/** What somebody else says about a checkpoint of the file: an RFC 3161 time stamp, an anchor on a chain. Opaque here. */
export type ForeignEvidence = {
  /** `rfc3161`, `evm`: names the verifier. */
  readonly type: string;
  readonly origin: string;
  readonly size: number;
  readonly data: Uint8Array;
};

/** Every list is in ascending order of what names its members, each of them once. */
export type Evidence = {
  readonly logs: readonly LogEvidence[];
  readonly histories: readonly HistoryEvidence[];
  readonly foreign: readonly ForeignEvidence[];
};

/** Bounds of one file: a reader holds it in memory whole. */
export const evidenceBounds = {
  /** Characters. Sixty-four thousand entries of two kilobytes. */
  text: 256 * 1024 * 1024,
  /** The two sides of a call, and a few that passed it on. */
  logs: 16,
  /** One a second for an hour. */
  checkpoints: 4096,
  entries: 65_536,
  ranges: 1024,
  /** A window of one range proof (docs/spec/03 §4). */
  rangeEntries: 65_536,
  consistency: 4096,
  disclosures: 65_536,
  histories: 64,
  /** As `verifyKeyHistory`. */
  events: 520,
  foreign: 256,
  /** A time stamp with its chain of certificates is below a tenth. */
  foreignBytes: 256 * 1024,
  /** Two hashes for each of 53 levels. */
  hashes: 106,
  note: 512 * 1024,
} as const;
