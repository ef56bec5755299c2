/** Keys and histories that the tests of this room share. @module */
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import type { Env } from '../../src/env/env.ts';
import { keyThumbprint } from '../../src/identity/agent-id.ts';
import type { KeyEvent, SignedKeyEvent } from '../../src/identity/key-event.ts';
import { createKeyHistory, rotateKeyHistory, type KeyHistory } from '../../src/identity/key-history.ts';
import { localSigner, type Signer } from '../../src/identity/signer.ts';
import { importEd25519SecretKey } from '../../src/primitives/node.ts';

export const now = 1_900_000_000_000;

/** The key of one number: the same in every run. */
export function keyOf(number: number): Signer {
  return localSigner(importEd25519SecretKey(new Uint8Array(32).fill(number)));
}

/** Time stands, bytes are counted up: what is generated is the same in every run. */
export function countingEnv(): Env {
  let count = 0;
  return {
    now: () => now,
    monotonic: () => 0,
    randomBytes: (length) => new Uint8Array(length).fill(++count),
    after: () => () => undefined,
  };
}

/** create with key 1, then rotations to keys 2, 3 and so on. */
export async function historyOf(events: number): Promise<KeyHistory> {
  let history = await createKeyHistory({ signer: keyOf(1), nextKey: keyOf(2).publicKey, now });
  for (let i = 1; i < events; i++) {
    history = await rotateKeyHistory(history, {
      signer: keyOf(i),
      nextSigner: keyOf(i + 1),
      followingKey: keyOf(i + 2).publicKey,
      now: now + i * 1000,
      reason: 'weekly',
    });
  }
  return history;
}

/** Signs any text as a key event, as an attacker who holds these keys would. */
export async function signText(text: string, signers: readonly Signer[]): Promise<SignedKeyEvent> {
  const signatures: Record<string, string> = {};
  for (const signer of signers) signatures[keyThumbprint(signer.publicKey)] = encodeBase64url(await signer.sign(encodeUtf8(`talos/1 key event\0${text}`)));
  return { event: text, signatures };
}

export function eventOf(signed: SignedKeyEvent | undefined): KeyEvent {
  return JSON.parse((signed as SignedKeyEvent).event) as KeyEvent;
}
