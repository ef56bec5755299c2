import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../src/bytes/writer.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { concatBytes } from '../../src/bytes/concat.ts';
import { encodeContents } from '../../src/message/contents.ts';
import { encryptMessage } from '../../src/session/session.ts';
import { initiateSession } from '../../src/session/initiate.ts';
import { signPrekeyBundle } from '../../src/identity/prekey-bundle.ts';
import { decodePrekey } from '../../src/session/prekeys.ts';
import { decodeSessionState } from '../../src/session/session-state-codec.ts';
import { bundleContent, makeIdentity, rejectionOf, seededEnv, verify } from '../session/support.ts';
import { contentsOf, makeAgent, makeCouple, makeWire, settle, type Agent } from './support.ts';

const send = (from: Agent, to: Agent, content: string) => from.messenger.send(to.messenger.did, content);

/** What is JSON and no key history, before a frame or a bundle. */
function introducedBy(json: string, body: Uint8Array): Uint8Array {
  return concatBytes(new ByteWriter().u8(1).u8(3).long(encodeUtf8(json)).finish(), body);
}

const noHistories = ['null', '""', '{"length":0}', '[null]'];

describe('a history that is none', () => {
  it.each(noHistories)('[MSG-STRANGER] %s before an opening holds nothing up', async (json) => {
    const { alice, bob, wire } = await makeCouple('no history');
    wire.drop = () => true;
    await send(alice, bob, 'first');
    const first = wire.frames[0]!;
    wire.drop = () => false;
    await wire.transport.send(bob.messenger.did, introducedBy(json, first));
    await send(alice, bob, 'second');
    await settle();
    expect(bob.errors.filter((error) => (error as { code?: string }).code === undefined)).toEqual([]);
    expect(contentsOf(bob)).toContain('second');
  });

  it.each(noHistories)('[MSG-STRANGER] %s as word of a rotation holds nothing up', async (json) => {
    const { alice, bob, env } = await makeCouple('no rotation');
    await send(alice, bob, 'first');
    await settle();
    await send(bob, alice, 'answer');
    await settle();
    const [id] = await alice.store.sessionsWith(bob.messenger.did);
    const stored = await alice.store.load(id!);
    const { frame } = encryptMessage(decodeSessionState(stored!.state, stored!.skipped), concatBytes(Uint8Array.of(32), encodeUtf8(json)), env);
    expect(await bob.messenger.receive(frame)).toMatchObject({ status: 'silent' });
  });

  it.each(noHistories)('[MSG-STRANGER] %s before a bundle is refused with a code', async (json) => {
    const { alice, bob } = await makeCouple('no bundle');
    const code = await rejectionOf(async () => alice.messenger.establishSession(bob.messenger.did, introducedBy(json, await bob.messenger.bundle())));
    expect(code).toBe('TALOS_IDENTITY_BAD_HISTORY');
  });
});

describe('openings', () => {
  it('[SES-RESET-BUDGET] openings that come late, one after the other, are bounded like those that replace', async () => {
    const env = seededEnv('late openings');
    const wire = makeWire(env);
    const bob = await makeAgent(wire, env);
    const mallory = await makeIdentity(env);
    await bob.messenger.bundle({ oneTime: false });
    const signed = decodePrekey((await bob.store.prekeys('signed'))[0]!, 'signed');
    const lastResort = decodePrekey((await bob.store.prekeys('lastResort'))[0]!, 'lastResort');
    const bundle = verify(await signPrekeyBundle(bundleContent(bob.identity, { signed, lastResort }, env), bob.identity.signer), bob.identity, env);
    for (let i = 0; i < 60; i++) {
      const state = await initiateSession({ own: mallory, bundle, openedAt: env.now() - i }, env);
      await bob.messenger.receive(encryptMessage(state, encodeContents({ kind: 'text', text: `${i}` }), env).frame).catch(() => undefined);
    }
    expect((await bob.store.sessionsWith(mallory.did)).length).toBeLessThanOrEqual(21);
  });
});

describe('clocks', () => {
  it('[SES-LATE-OPENING] a session that was opened while the clock was days ahead does not spoil those after it', async () => {
    const env = seededEnv('days ahead');
    const wire = makeWire(env);
    let aheadMs = 3 * 24 * 3_600_000;
    const [alice, bob] = [await makeAgent(wire, env, { env: { ...env, now: () => env.now() + aheadMs } }), await makeAgent(wire, env)];
    const open = async () => alice.messenger.establishSession(bob.messenger.did, await bob.messenger.bundle());
    await open();
    await send(alice, bob, 'while it was wrong');
    await settle();
    expect(contentsOf(bob)).toEqual([]);
    aheadMs = 0;
    await open();
    await send(alice, bob, 'after');
    await settle();
    expect(contentsOf(bob)).toEqual(['while it was wrong', 'after']);
  });
});
