/** One event of a key history: its text is what is signed, linked and stored; it is parsed, never rebuilt. @module */
import { importEd25519PublicKey, sha256, verifyEd25519 } from '#suite';
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { concatBytes } from '../bytes/concat.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { IdentityError } from '../errors/identity-error.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { keyThumbprint } from './agent-id.ts';
import type { Signer } from './signer.ts';

export type KeyEventType = 'create' | 'rotate' | 'revoke';

export type KeyEvent = {
  readonly v: 1;
  readonly type: KeyEventType;
  readonly did: string;
  /** 0 for `create`, then one more each time. */
  readonly sequence: number;
  /** base64url SHA-256 of the event before; empty for `create`. */
  readonly previous: string;
  /** base64url of the Ed25519 key that this event puts in force; of the key it ends, for `revoke`. */
  readonly key: string;
  /** base64url commitment to the key after that (`keyCommitment`); empty for `revoke`. */
  readonly next: string;
  /** Seconds since 1970 from which the event holds. */
  readonly notBefore: number;
  readonly reason: string;
};

export type SignedKeyEvent = {
  /** The exact text that was signed. */
  readonly event: string;
  /** base64url signatures by thumbprint: `create` and `revoke` have one, `rotate` those of the old and the new key. */
  readonly signatures: Readonly<Record<string, string>>;
};

/** A history of ten rotations is about 6 kB; the reason is for humans and short. */
export const maxEventLength = 2048;
const maxReasonLength = 256;
const members = ['did', 'key', 'next', 'notBefore', 'previous', 'reason', 'sequence', 'type', 'v'].join();

/** What `create` and `rotate` promise about the next key, so that a thief of the present key cannot choose it: base64url SHA-256. */
export function keyCommitment(publicKey: Ed25519PublicKey): string {
  return encodeBase64url(sha256(concatBytes(encodeUtf8('talos/1 next key\0'), publicKey.bytes)));
}

/** base64url SHA-256 of the event's text: what the next event names as `previous`, and the head of a history. */
export function hashKeyEvent(signed: SignedKeyEvent): string {
  return encodeBase64url(sha256(encodeUtf8(signed.event)));
}

export async function signKeyEvent(event: KeyEvent, signers: readonly Signer[]): Promise<SignedKeyEvent> {
  const text = canonicalJson(event);
  const signatures: Record<string, string> = {};
  for (const signer of signers) signatures[keyThumbprint(signer.publicKey)] = encodeBase64url(await signer.sign(encodeUtf8(signatureLabel + text)));
  return { event: text, signatures };
}

/** Binds the signature to its purpose: an identity key signs tokens and bundles too. */
const signatureLabel = 'talos/1 key event\0';

/** @throws {@link IdentityError} `TALOS_IDENTITY_BAD_HISTORY` unless exactly these keys signed. */
export function verifyKeyEventSignatures(signed: SignedKeyEvent, keys: readonly Ed25519PublicKey[]): void {
  if (typeof signed.signatures !== 'object' || signed.signatures === null) throw badHistory('an event has no signatures');
  if (Object.keys(signed.signatures).length !== keys.length) throw badHistory('an event has not the signatures it needs');
  for (const key of keys) {
    const signature = Object.hasOwn(signed.signatures, keyThumbprint(key)) ? signed.signatures[keyThumbprint(key)] : undefined;
    if (typeof signature !== 'string') throw badHistory('an event lacks a signature');
    try {
      verifyEd25519(key, encodeUtf8(signatureLabel + signed.event), decodeBase64url(signature));
    } catch {
      throw badHistory('an event has a bad signature');
    }
  }
}

/** @throws {@link IdentityError} `TALOS_IDENTITY_BAD_HISTORY` on anything but the members of `KeyEvent` in their types and bounds. */
export function parseKeyEvent(signed: SignedKeyEvent): { readonly event: KeyEvent; readonly key: Ed25519PublicKey } {
  if (typeof signed?.event !== 'string' || signed.event.length > maxEventLength) throw badHistory('an event is not a text of at most 2048 characters');
  if (typeof signed.signatures !== 'object' || signed.signatures === null) throw badHistory('an event has no signatures');
  try {
    const event = parseStrictJson(signed.event, { maxDepth: 1 }) as JsonObject;
    if (!hasShape(event)) throw badHistory('an event has a missing, foreign or wrong member');
    return { event, key: importEd25519PublicKey(decodeBase64url(event.key)) };
  } catch (cause) {
    if (IdentityError.isInstance(cause) && cause.code === 'TALOS_IDENTITY_BAD_HISTORY') throw cause;
    throw badHistory('an event is malformed');
  }
}

function hasShape(event: JsonObject): event is KeyEvent {
  const { v, type, did, sequence, previous, key, next, notBefore, reason } = event;
  const isType = type === 'create' || type === 'rotate' || type === 'revoke';
  const isText = [did, previous, key, next, reason].every((member) => typeof member === 'string');
  const isCount = [sequence, notBefore].every((member) => Number.isSafeInteger(member) && (member as number) >= 0);
  return Object.keys(event).toSorted().join() === members && v === 1 && isType && isText && isCount && (reason as string).length <= maxReasonLength;
}

export function badHistory(reason: string): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_BAD_HISTORY', message: `key history refused: ${reason}` });
}
