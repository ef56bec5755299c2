import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { decodeSessionState, encodeSessionState, encodeSkippedKey } from '../../src/session/session-state-codec.ts';
import { decodePrekey, encodePrekey, isPrekeyOver } from '../../src/session/prekeys.ts';
import type { SessionState } from '../../src/session/session-state.ts';
import { codeOf, End, establish, meet, type Pair } from './support.ts';

const rowsOf = (session: SessionState) => [...session.ratchet.skipped.values()].map(encodeSkippedKey);
const restore = (session: SessionState) => decodeSessionState(encodeSessionState(session), rowsOf(session));

/** Every turn, with old chains and skipped keys. */
async function busyPair(): Promise<Pair> {
  const pair = await establish('busy');
  for (let i = 0; i < 7; i++) {
    pair.a.send('lost');
    pair.b.receive(pair.a.send('on'));
    pair.a.receive(pair.b.send('answer'));
  }
  return pair;
}

describe('session state at rest', () => {
  it('[STA-CODEC] is restored as it was, in every turn, and goes on', async () => {
    const { a, b, env, meeting } = await busyPair();
    for (const session of [a.session, b.session, meeting.initiated, new End(meeting.initiated, env).session]) {
      const restored = restore(session);
      expect(encodeSessionState(restored)).toEqual(encodeSessionState(session));
      expect(rowsOf(restored)).toEqual(rowsOf(session));
      expect(restored.binding).toEqual(session.binding);
    }
    const [a2, b2] = [new End(restore(a.session), env), new End(restore(b.session), env)];
    expect(b2.receive(a2.send('after'))).toBe('after');
    expect(a2.receive(b2.send('and back'))).toBe('and back');
    expect(b2.session.ratchet.skipped.size).toBeGreaterThan(0);
  });

  it('[STA-CODEC] truncated, trailing, over-long, of another version or with wrong members: one code', async () => {
    const { a, b } = await busyPair();
    for (const session of [a.session, b.session]) {
      const bytes = encodeSessionState(session);
      const decode = (data: Uint8Array) => codeOf(() => decodeSessionState(data, []));
      for (let length = 0; length < bytes.length; length++) expect(decode(bytes.subarray(0, length))).toBe('TALOS_SESSION_BAD_STATE');
      expect(decode(Uint8Array.from([...bytes, 0]))).toBe('TALOS_SESSION_BAD_STATE');
      expect(decode(new Uint8Array(4097))).toBe('TALOS_SESSION_BAD_STATE');
      // Version, role, mode, the length of a DID, and the place of the post-quantum step.
      for (const at of [0, 17, 18, 19, 155]) expect(decode(bytes.with(at, 9))).toBe('TALOS_SESSION_BAD_STATE');
      // Wherever a byte is changed, the answer is a state or the code.
      for (let i = 0; i < bytes.length; i++) expect(['no error', 'TALOS_SESSION_BAD_STATE']).toContain(decode(bytes.with(i, bytes[i]! ^ 0x55)));
    }
    const row = { chain: 1, number: 1, messageKey: new Uint8Array(31), storedAt: 0 };
    expect(codeOf(() => decodeSessionState(encodeSessionState(a.session), [row]))).toBe('TALOS_SESSION_BAD_STATE');
  });

  it('[STA-SIZE] has at most 4 kB, also with its opening and five old chains', async () => {
    const { b, meeting } = await busyPair();
    expect(encodeSessionState(meeting.initiated).length).toBeLessThan(2400);
    expect(b.session.ratchet.oldChains.length).toBe(5);
    expect(encodeSessionState(b.session).length).toBeLessThan(1024);
  });

  it('[STA-REDACTED] neither prints nor serialises a secret', async () => {
    const { a, b } = await busyPair();
    for (const { session } of [a, b]) {
      const { ratchet } = session;
      const texts = [JSON.stringify(session), inspect(session, { depth: 10, showHidden: true, getters: true }), JSON.stringify([...ratchet.skipped.values()])];
      const secrets = [
        ratchet.rootKey,
        ratchet.nextSendingHeaderKey,
        ratchet.nextReceivingHeaderKey,
        ratchet.receiving!.chainKey,
        ratchet.receiving!.headerKey,
      ];
      for (const secret of secrets) {
        const bytes = secret.expose();
        const forms = [
          Buffer.from(bytes).toString('hex'),
          Buffer.from(bytes).toString('base64'),
          JSON.stringify([...bytes]).slice(1, -1),
          [...bytes].slice(0, 8).join(', '),
        ];
        for (const text of texts) for (const form of forms) expect(text.includes(form)).toBe(false);
      }
      expect(texts[0]).toContain('[secret]');
    }
  });

  it('[STA-CODEC] prekeys are restored as they were, and forgotten when nothing can be on its way to them', async () => {
    const { prekeys, env } = await meet('prekey rows');
    const { signed, lastResort, oneTime } = prekeys;
    expect(encodePrekey(decodePrekey(encodePrekey(signed), 'signed'))).toEqual(encodePrekey(signed));
    expect(encodePrekey(decodePrekey(encodePrekey(lastResort), 'lastResort'))).toEqual(encodePrekey(lastResort));
    expect(encodePrekey(decodePrekey(encodePrekey(oneTime!), 'oneTime'))).toEqual(encodePrekey(oneTime!));
    expect(codeOf(() => decodePrekey(encodePrekey(signed), 'oneTime'))).toBe('TALOS_SESSION_BAD_STATE');
    expect(codeOf(() => decodePrekey({ ...encodePrekey(signed), secret: new Uint8Array(31) }, 'signed'))).toBe('TALOS_SESSION_BAD_STATE');
    const week = 7 * 24 * 3_600_000;
    expect([isPrekeyOver(signed, env.now() + 2 * week), isPrekeyOver(signed, env.now() + 2 * week + 1)]).toEqual([false, true]);
  });
});
