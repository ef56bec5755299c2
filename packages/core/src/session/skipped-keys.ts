/** Keys of messages that have not arrived: bounded in number and age, oldest out first (docs/spec/04 §4.5). @module */
import type { Secret } from '../primitives/secret.ts';
import { maxSkippedAgeMs, maxSkippedKeys } from './limits.ts';

export type SkippedKey = {
  /** Which receiving chain of this session, counted from 1. */
  readonly chain: number;
  /** The message's number in that chain. */
  readonly number: number;
  readonly messageKey: Secret;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
};

/** By `chain/number`, in order of storing. Never written to: a change makes a new map, so that a failed frame has changed nothing. */
export type SkippedKeys = ReadonlyMap<string, SkippedKey>;

/** What a frame changed, for the store's rows. */
export type SkippedChange = { readonly added: readonly SkippedKey[]; readonly removed: readonly SkippedKey[] };

export const noSkippedKeys: SkippedKeys = /* @__PURE__ */ new Map();
export const noSkippedChange: SkippedChange = /* @__PURE__ */ Object.freeze({ added: [], removed: [] });

/** The name of a message's key, within its session. */
export function skippedKeyId(chain: number, number: number): string {
  return `${chain}/${number}`;
}

export type SkippedUpdate = {
  readonly add: readonly SkippedKey[];
  /** The key that a message was just opened with. */
  readonly used?: SkippedKey | undefined;
  /** Chains whose header keys are no longer tried: what is left of them can never be opened. */
  readonly closedChains: readonly number[];
  readonly now: number;
};

/** The next set of keys, and the difference. What is removed has to be wiped once the change is committed. */
export function updateSkippedKeys(keys: SkippedKeys, update: SkippedUpdate): { readonly keys: SkippedKeys; readonly change: SkippedChange } {
  if (keys.size === 0 && update.add.length === 0) return { keys, change: noSkippedChange };
  if (!needsChange(keys, update)) return { keys, change: noSkippedChange };
  const next = new Map(keys);
  const removed: SkippedKey[] = [];
  const remove = (key: SkippedKey): void => {
    if (next.delete(skippedKeyId(key.chain, key.number))) removed.push(key);
  };
  if (update.used !== undefined) remove(update.used);
  for (const key of keys.values()) if (isSpent(key, update)) remove(key);
  for (const key of update.add) next.set(skippedKeyId(key.chain, key.number), key);
  const excess = next.size - maxSkippedKeys;
  if (excess > 0) for (const key of [...next.values()].slice(0, excess)) remove(key);
  const added = update.add.filter((key) => next.has(skippedKeyId(key.chain, key.number)));
  return { keys: next, change: { added, removed } };
}

/** The copy of a full map costs 0.1 ms: not paid when an ordinary message leaves the keys as they are. */
function needsChange(keys: SkippedKeys, update: SkippedUpdate): boolean {
  if (update.used !== undefined || update.add.length > 0 || update.closedChains.length > 0) return true;
  const oldest = keys.values().next().value;
  return oldest !== undefined && isSpent(oldest, update);
}

/** Too old, or of a chain that is no longer tried. */
function isSpent(key: SkippedKey, { closedChains, now }: SkippedUpdate): boolean {
  return now - key.storedAt > maxSkippedAgeMs || closedChains.includes(key.chain);
}
