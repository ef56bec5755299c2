/**
 * Epochs of an origin. A log that was restored from a copy may not go on under its name: sizes above the copy's are signed already, and a
 * second history of them would be a fork. It goes on as `<origin>/epoch/2` (docs/spec/03 §11). @module
 */
import { TalosError } from '../errors/talos-error.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { makeVerifierKey, type VerifierKey } from './verifier-key.ts';

/** The first epoch has the origin's own name. */
export function epochOrigin(origin: string, epoch: number): string {
  return epoch === 1 ? origin : `${origin}/epoch/${epoch}`;
}

/** 1 for the origin itself, undefined for the name of another log. */
export function epochOf(origin: string, name: string): number | undefined {
  if (name === origin) return 1;
  const [, number] = (name.startsWith(origin) && /^\/epoch\/([1-9]\d{0,8})$/.exec(name.slice(origin.length))) || [];
  return number === undefined || number === '1' ? undefined : Number(number);
}

/** The key under the name of the epoch that a note claims: the same public key. A note of another log gets the key as it is, and fails. */
export function epochKey(key: VerifierKey, note: string): VerifierKey {
  const origin = claimedOrigin(note);
  return origin !== undefined && epochOf(key.name, origin) !== undefined ? makeVerifierKey(origin, key.publicKey) : key;
}

/** The key under the origin's own name, which fits what any epoch before this one signed: a log that went on holds checkpoints of all of them. */
export function firstEpochKey(key: VerifierKey): VerifierKey {
  const origin = /^(.+)\/epoch\/[1-9]\d{0,8}$/.exec(key.name)?.[1];
  return origin === undefined ? key : makeVerifierKey(origin, key.publicKey);
}

function claimedOrigin(note: string): string | undefined {
  try {
    return parseCheckpoint(note).origin;
  } catch (error) {
    if (TalosError.isInstance(error)) return undefined;
    throw error;
  }
}
