/** What a report says, as data: each number with the entries that it was counted from. @module */
import type { RecorderRun } from '../audit/recorder-run.ts';

/** Indices of entries, the first of them; `count` counts all. */
export type Counted = { readonly count: number; readonly indices: readonly number[] };

export type ToolCounts = { readonly tool: string; readonly requested: number; readonly ok: number; readonly failed: number; readonly refused: number };

/** An entry of a kind that a reviewer wants to see one by one. */
export type ListedEntry = { readonly index: number; readonly time: string; readonly type: string; readonly agent: string; readonly detail: string };

export type UnwitnessedSpan = {
  /** Entries `start` up to `end − 1` stood without a witness for so long. */
  readonly start: number;
  readonly end: number;
  readonly milliseconds: number;
  /** False: at the end of the window no witness had yet seen them. */
  readonly ended: boolean;
};

export type WitnessFacts = { readonly checkpoints: number; readonly longest: UnwitnessedSpan | undefined; readonly refused: number };

/** A class of the policy. An entry is met, held or overdue. */
export type RetentionClassCounts = {
  /** Types of entries, or `all others`. */
  readonly name: string;
  readonly minDays: number;
  readonly maxDays: number | undefined;
  readonly payloadDays: number | undefined;
  readonly entries: number;
  /** Not above the maximum of their class. */
  readonly met: number;
  /** Of them or of those that are held: below the minimum, so they have to stay. */
  readonly withinMinimum: number;
  /** Under a legal hold on entries. */
  readonly held: Counted;
  /** Above the maximum, held by nobody, and still in the log. */
  readonly overdue: Counted;
  /** Old enough that their payloads have to be gone. Whether they are is not in the log. */
  readonly payloadsDue: number;
};

export type RetentionCounts = {
  /** RFC 3339: the moment for which ages were counted. */
  readonly at: string;
  readonly classes: readonly RetentionClassCounts[];
};

export type ReportFacts = {
  readonly origin: string;
  readonly verifierKey: string;
  /** The tree that all numbers lead to. */
  readonly checkpoint: { readonly size: number; readonly root: string };
  /** RFC 3339, as asked. */
  readonly from: string;
  readonly to: string;
  /** Entries below it were removed by retention before this report was made: nothing of them is counted. */
  readonly pruned: number;
  /** Entries of the window by index; all entries between the first and the last whose time lies in it. Empty: `start` equals `end`. */
  readonly start: number;
  readonly end: number;
  /** Windows of range proofs that together prove the population, of at most 65,536 entries each. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
  /** Entries among them whose own time lies outside: clocks that differ, or were set. */
  readonly outsideTime: Counted;
  readonly types: readonly { readonly type: string; readonly count: number }[];
  readonly agents: { readonly count: number; readonly more: boolean };
  readonly tools: readonly ToolCounts[];
  /** Calls of tools beyond those that are listed by name. */
  readonly otherToolCalls: number;
  readonly refusals: readonly { readonly code: string; readonly count: number }[];
  readonly requestsWithoutResult: Counted;
  readonly resultsWithoutRequest: Counted;
  /** Places where a recorder's sequence leaves numbers out, or its chain does not fit. */
  readonly sequenceFaults: Counted;
  /** Starts after a recorder that had not stopped: a crash. */
  readonly crashes: Counted;
  /** Entries that admit lost events, and the number that they admit. */
  readonly lost: Counted & { readonly events: number };
  /** Restores from an older copy. */
  readonly forks: Counted;
  readonly recorders: readonly RecorderRun[];
  readonly sessions: { readonly opened: number; readonly closed: number };
  /** Entries whose time is before that of the entry before them of the same recorder. */
  readonly clockBack: Counted;
  readonly retention: Listed;
  readonly erasures: Listed;
  readonly keyEvents: Listed;
  readonly rights: Listed;
  readonly changes: Listed;
  /** Undefined: the report was made without a policy. */
  readonly retentionClasses: RetentionCounts | undefined;
  /** Undefined: the report was made without witnesses, which is not the same as a log without them. */
  readonly witnesses: WitnessFacts | undefined;
};

export type Listed = { readonly count: number; readonly entries: readonly ListedEntry[] };
