/** Where processes of one log put what they ask of the one that writes it (docs/spec/03 §17): a table that all of them reach. @module */
import type { ErrorCode } from '../errors/codes.ts';

export type Intent = { readonly op: string; readonly args: readonly unknown[] };
export type PendingIntent = { readonly n: number; readonly intent: Intent };
/** `size`: durable entries when it was answered. */
export type IntentAnswer = { readonly size: number } & (
  | { readonly value: unknown }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean } }
);

type Soon<T> = T | Promise<T>;

/** Each row is durable before anybody waits for it, and its answer too. */
export interface IntentQueue {
  /** How often whoever waits looks, in milliseconds. */
  readonly pollMs: number;
  /** All of them or none. @returns their numbers, ascending. */
  add(process: string, at: number, intents: readonly Intent[]): Soon<readonly number[]>;
  /** Not answered, those of one process in the order in which it asked; none that was given after `after` was, and answered. */
  pending(after: number, limit: number): Soon<readonly PendingIntent[]>;
  answer(answers: readonly { readonly n: number; readonly answer: IntentAnswer }[]): Soon<void>;
  /** The answers to a process, and its rows that are still there. What was fetched is gone then. */
  fetch(process: string): Soon<{ readonly answers: ReadonlyMap<number, IntentAnswer>; readonly waiting: ReadonlySet<number> }>;
  /** Takes back what nobody has answered. */
  withdraw(process: string): Soon<void>;
  /** Removes answers that nobody came for. */
  sweep(now: number): Soon<void>;
  close(): Soon<void>;
}
