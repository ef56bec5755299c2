import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { formatAgentId, keyThumbprint } from '../../src/identity/agent-id.ts';
import { hashKeyEvent, keyCommitment, type KeyEvent, type SignedKeyEvent } from '../../src/identity/key-event.ts';
import {
  createKeyHistory,
  reconcileKeyHistories,
  revokeKeyHistory,
  rotateKeyHistory,
  verifyKeyHistory,
  type KeyHistory,
} from '../../src/identity/key-history.ts';
import { localSigner, type Signer } from '../../src/identity/signer.ts';
import { importEd25519SecretKey } from '../../src/primitives/node.ts';
import { codeOf, codeOfAsync } from '../errors/code-of.ts';
import { eventOf, historyOf, keyOf, now, signText } from './agents.ts';

const [created, rotated, twice] = await Promise.all([historyOf(1), historyOf(2), historyOf(3)]);
const revoked = await revokeKeyHistory(rotated, { signer: keyOf(2), now, reason: 'lost' });
const first = created[0] as SignedKeyEvent;
const second = rotated[1] as SignedKeyEvent;
const third = twice[2] as SignedKeyEvent;
const thief = keyOf(99);

/** The second event with some members changed, signed by whoever is named. */
const forgedSecond = (changed: Partial<Record<keyof KeyEvent | 'extra', unknown>>, signers = [keyOf(1), keyOf(2)]): Promise<SignedKeyEvent> =>
  signText(JSON.stringify({ ...eventOf(second), ...changed }), signers);
const publicText = (number: number): string => encodeBase64url(keyOf(number).publicKey.bytes);

describe('key history', () => {
  it('[HISTORY-CURRENT-KEY] says which key is in force', async () => {
    const did = formatAgentId(keyOf(1).publicKey);
    expect(verifyKeyHistory(created)).toMatchObject({ did, sequence: 0, revoked: false, next: keyCommitment(keyOf(2).publicKey) });
    const state = verifyKeyHistory(twice);
    expect(state).toMatchObject({ did, sequence: 2, revoked: false, head: hashKeyEvent(third), next: keyCommitment(keyOf(4).publicKey) });
    expect(state.currentKey.bytes).toEqual(keyOf(3).publicKey.bytes);
    expect([...state.keys].map(([kid, { notBefore }]) => [kid, notBefore])).toEqual(
      [1, 2, 3].map((number, i) => [keyThumbprint(keyOf(number).publicKey), now / 1000 + i]),
    );
    expect(eventOf(third)).toMatchObject({ reason: 'weekly', previous: hashKeyEvent(second) });
  });

  it('[HISTORY-CURRENT-KEY] ends with a revocation', async () => {
    const state = verifyKeyHistory(revoked);
    expect(state).toMatchObject({ revoked: true, sequence: 2, next: '' });
    expect(state.keys.size).toBe(2);
    const step = { signer: keyOf(2), nextSigner: keyOf(3), followingKey: keyOf(4).publicKey, now };
    expect(await codeOfAsync(() => rotateKeyHistory(revoked, step))).toBe('TALOS_IDENTITY_REVOKED');
    expect(await codeOfAsync(() => revokeKeyHistory(revoked, { signer: keyOf(2), now }))).toBe('TALOS_IDENTITY_REVOKED');
  });

  it('[HISTORY-CURRENT-KEY] an owner with the wrong key is told at once', async () => {
    const following = keyOf(4).publicKey;
    const rotate = (signer: number, next: number): Promise<KeyHistory> =>
      rotateKeyHistory(rotated, { signer: keyOf(signer), nextSigner: keyOf(next), followingKey: following, now });
    expect(await codeOfAsync(() => rotate(2, 5))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    expect(await codeOfAsync(() => rotate(1, 3))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    expect(await codeOfAsync(() => revokeKeyHistory(rotated, { signer: keyOf(1), now }))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    expect(verifyKeyHistory(await rotate(2, 3)).sequence).toBe(2);
  });

  const signedByOwner = { ...eventOf(first) };
  const attacks: readonly (readonly [why: string, build: () => unknown])[] = [
    ['a thief of the present key who rotates to a key of his own', async () => [first, await forgedSecond({ key: publicText(99) }, [keyOf(1), thief])]],
    [
      'the same with the commitment replaced in an event of his own',
      async () => [
        await signText(JSON.stringify({ ...signedByOwner, next: keyCommitment(thief.publicKey) }), [thief]),
        await forgedSecond({ key: publicText(99) }, [keyOf(1), thief]),
      ],
    ],
    ['a thief of the next key alone', async () => [first, await forgedSecond({}, [keyOf(2)])]],
    [
      'a thief of the next key who signs twice',
      async () => [
        first,
        {
          ...second,
          signatures: {
            ...(await forgedSecond({}, [keyOf(2)])).signatures,
            [keyThumbprint(keyOf(1).publicKey)]: second.signatures[keyThumbprint(keyOf(2).publicKey)],
          },
        },
      ],
    ],
    ['a rotation that the new key did not sign', async () => [first, await forgedSecond({}, [keyOf(1)])]],
    ['a rotation with a third signature', async () => [first, await forgedSecond({}, [keyOf(1), keyOf(2), thief])]],
    ['no signatures', () => [first, { ...second, signatures: {} }]],
    ['signatures by prototype', () => [first, { ...second, signatures: Object.create(second.signatures) as object }]],
    ['signatures that are null', () => [first, { ...second, signatures: null }]],
    ['signatures in an array', () => [first, { ...second, signatures: Object.values(second.signatures) }]],
    [
      'a signature in another encoding',
      () => [first, { ...second, signatures: Object.fromEntries(Object.entries(second.signatures).map(([kid, signature]) => [kid, `${signature}==`])) }],
    ],
    [
      'a signature over the bare event, as a token or note would have it',
      async () => [first, { event: second.event, signatures: await bareSignatures(second.event) }],
    ],
    ['swapped order', () => [second, first]],
    ['a history without its beginning', () => [second, third]],
    ['a gap', () => [first, third]],
    ['one event twice', () => [first, second, second]],
    ['two beginnings', () => [first, first]],
    ['a sequence left out', async () => [first, await forgedSecond({ sequence: 2 })]],
    ['a sequence repeated', async () => [first, await forgedSecond({ sequence: 0 })]],
    ['a link to another event', async () => [first, await forgedSecond({ previous: hashKeyEvent(second) })]],
    ['no link', async () => [first, await forgedSecond({ previous: '' })]],
    ['the event of another agent', async () => [first, await forgedSecond({ did: formatAgentId(thief.publicKey) })]],
    [
      'a beginning under the name of another agent',
      async () => [await signText(JSON.stringify({ ...eventOf(first), did: formatAgentId(keyOf(5).publicKey) }), [keyOf(1)])],
    ],
    ['a beginning that is signed by another key', async () => [await signText(first.event, [thief])]],
    ['a beginning that commits to nothing', async () => [await signText(JSON.stringify({ ...eventOf(first), next: '' }), [keyOf(1)])]],
    ['a beginning with a link', async () => [await signText(JSON.stringify({ ...eventOf(first), previous: hashKeyEvent(first) }), [keyOf(1)])]],
    ['a beginning with sequence 1', async () => [await signText(JSON.stringify({ ...eventOf(first), sequence: 1 }), [keyOf(1)])]],
    ['a rotation that commits to nothing', async () => [first, await forgedSecond({ next: '' })]],
    ['a second create', async () => [first, await forgedSecond({ type: 'create' })]],
    ['an unknown type', async () => [first, await forgedSecond({ type: 'suspend' })]],
    ['another version', async () => [first, await forgedSecond({ v: 2 })]],
    ['a foreign member', async () => [first, await forgedSecond({ extra: true })]],
    ['a missing member', async () => [first, await forgedSecond({ reason: undefined })]],
    [
      'a name that joins two members',
      async () => [first, await signText(JSON.stringify({ ...eventOf(second), did: undefined, key: undefined, 'did,key': 'x' }), [keyOf(1), keyOf(2)])],
    ],
    ['a sequence as text', async () => [first, await forgedSecond({ sequence: '1' })]],
    ['a fractional time', async () => [first, await forgedSecond({ notBefore: 1.5 })]],
    ['a negative time', async () => [first, await forgedSecond({ notBefore: -1 })]],
    ['a reason that is too long', async () => [first, await forgedSecond({ reason: 'x'.repeat(257) })]],
    ['a member given twice', async () => [first, await signText(second.event.replace('{', `{"key":"${publicText(99)}",`), [keyOf(1), keyOf(2)])]],
    ['a member given twice by an escape', async () => [first, await signText(second.event.replace('{', String.raw`{"\u006bey":"x",`), [keyOf(1), keyOf(2)])]],
    ['a truncated text', async () => [first, await signText(second.event.slice(0, -1), [keyOf(1), keyOf(2)])]],
    ['a text with more behind it', async () => [first, await signText(`${second.event}{}`, [keyOf(1), keyOf(2)])]],
    ['a nested member', async () => [first, await forgedSecond({ reason: { text: 'x' } })]],
    ['a text of another spacing under the old signature', () => [first, { ...second, event: second.event.replace(',', ', ') }]],
    ['an event that is too long', async () => [first, await signText(second.event.replace('{', `{${' '.repeat(2048)}`), [keyOf(1), keyOf(2)])]],
    ['an event that is an array', async () => [first, await signText('[]', [keyOf(1), keyOf(2)])]],
    ['an event that is null', async () => [first, await signText('null', [keyOf(1), keyOf(2)])]],
    ['an event that is no text', () => [first, { ...second, event: 7 }]],
    ['a hole', () => [first, undefined]],
    ['a small-order key', async () => [first, await forgedSecond({ key: encodeBase64url(Uint8Array.of(1, ...new Uint8Array(31))) })]],
    ['a key in another encoding', async () => [first, await forgedSecond({ key: `${eventOf(second).key}=` })]],
    [
      'an event after a revocation',
      async () => [
        ...revoked,
        await signText(JSON.stringify({ ...eventOf(third), sequence: 3, previous: hashKeyEvent(revoked[2] as SignedKeyEvent) }), [keyOf(2), keyOf(3)]),
      ],
    ],
    [
      'a second revocation',
      async () => [
        ...revoked,
        await signText(JSON.stringify({ ...eventOf(revoked[2]), sequence: 3, previous: hashKeyEvent(revoked[2] as SignedKeyEvent) }), [keyOf(2)]),
      ],
    ],
    [
      'a revocation of another key, by the key in force',
      async () => [first, second, await signText(JSON.stringify({ ...eventOf(revoked[2]), key: publicText(1) }), [keyOf(2)])],
    ],
    ['a revocation by a key that was replaced', async () => [first, second, await signText((revoked[2] as SignedKeyEvent).event, [keyOf(1)])]],
    [
      'a revocation that names a key of the past',
      async () => [first, second, await signText(JSON.stringify({ ...eventOf(revoked[2]), key: publicText(1) }), [keyOf(1)])],
    ],
    [
      'a revocation that commits to a next key',
      async () => [first, second, await signText(JSON.stringify({ ...eventOf(revoked[2]), next: keyCommitment(thief.publicKey) }), [keyOf(2)])],
    ],
    ['no events', () => []],
    ['more events than ten years have weeks', () => Array.from({ length: 521 }, () => first)],
    ['no history', () => undefined],
    ['an object that looks like one', () => ({ length: 1, 0: first })],
  ];

  it.each(attacks)('[HISTORY-ATTACKS] refuses %s', async (_why, build) => {
    const history = (await build()) as KeyHistory;
    expect(codeOf(() => verifyKeyHistory(history))).toBe('TALOS_IDENTITY_BAD_HISTORY');
  });

  it('[HISTORY-ATTACKS] takes weekly rotations for ten years and not one more', async () => {
    const signers = Array.from({ length: 523 }, (_, i) =>
      localSigner(importEd25519SecretKey(Uint8Array.from({ length: 32 }, (_byte, at) => (at === 0 ? i % 256 : i >> 8)))),
    );
    const signerAt = (i: number): Signer => signers[i] as Signer;
    const long: SignedKeyEvent[] = [...(await createKeyHistory({ signer: signerAt(0), nextKey: signerAt(1).publicKey, now }))];
    for (let i = 1; i < 521; i++) {
      const previous = long.at(-1) as SignedKeyEvent;
      const event = { ...eventOf(previous), type: 'rotate', sequence: i, previous: hashKeyEvent(previous) };
      const keys = { key: encodeBase64url(signerAt(i).publicKey.bytes), next: keyCommitment(signerAt(i + 1).publicKey) };
      long.push(await signText(JSON.stringify({ ...event, ...keys }), [signerAt(i - 1), signerAt(i)]));
    }
    expect(verifyKeyHistory(long.slice(0, 520)).sequence).toBe(519);
    expect(codeOf(() => verifyKeyHistory(long))).toBe('TALOS_IDENTITY_BAD_HISTORY');
  });

  it('[HISTORY-ATTACKS] the forger of the table signs what is accepted when nothing is forged', async () => {
    expect(verifyKeyHistory([first, await forgedSecond({})]).sequence).toBe(1);
  });

  async function bareSignatures(text: string): Promise<Record<string, string>> {
    const signers = [keyOf(1), keyOf(2)];
    return Object.fromEntries(
      await Promise.all(signers.map(async (signer) => [keyThumbprint(signer.publicKey), encodeBase64url(await signer.sign(encodeUtf8(text)))] as const)),
    );
  }
});

describe('two histories of one agent', () => {
  it('[HISTORY-EQUIVOCATION] two signed events with one sequence are refused, in either order', async () => {
    const other = await rotateKeyHistory(created, { signer: keyOf(1), nextSigner: keyOf(2), followingKey: keyOf(7).publicKey, now });
    expect(codeOf(() => reconcileKeyHistories(rotated, other))).toBe('TALOS_IDENTITY_EQUIVOCATION');
    expect(codeOf(() => reconcileKeyHistories(other, twice))).toBe('TALOS_IDENTITY_EQUIVOCATION');
    const revokedFirst = await revokeKeyHistory(created, { signer: keyOf(1), now });
    expect(codeOf(() => reconcileKeyHistories(revokedFirst, twice))).toBe('TALOS_IDENTITY_EQUIVOCATION');
  });

  it('[HISTORY-EQUIVOCATION] two beginnings under one name are equivocation too', async () => {
    const again = await createKeyHistory({ signer: keyOf(1), nextKey: keyOf(8).publicKey, now });
    expect(codeOf(() => reconcileKeyHistories(created, again))).toBe('TALOS_IDENTITY_EQUIVOCATION');
  });

  it('[HISTORY-EQUIVOCATION] the longer one is kept, so an old copy brings no old key back', () => {
    expect(reconcileKeyHistories(rotated, twice)).toBe(twice);
    expect(reconcileKeyHistories(twice, rotated)).toBe(twice);
    expect(reconcileKeyHistories(twice, [...twice])).toBe(twice);
  });

  it('[HISTORY-EQUIVOCATION] a forged one is no evidence', async () => {
    const forged = [first, { ...second, event: second.event.replace('weekly', 'stolen') }];
    expect(codeOf(() => reconcileKeyHistories(rotated, forged))).toBe('TALOS_IDENTITY_BAD_HISTORY');
    const stranger = await createKeyHistory({ signer: thief, nextKey: keyOf(2).publicKey, now });
    expect(codeOf(() => reconcileKeyHistories(rotated, stranger))).toBe('TALOS_IDENTITY_BAD_HISTORY');
  });
});
