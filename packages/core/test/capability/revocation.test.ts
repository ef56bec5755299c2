import { describe, expect, it } from 'vitest';
import {
  authorize,
  didKeys,
  formatRevocationList,
  memoryRevocationStore,
  openRevocations,
  parseRevocationList,
  reserve,
  revokeToken,
  verifyRevocationList,
  type CapabilityHandle,
  type RevocationEntry,
  type RevocationStore,
} from '../../src/capability/index.ts';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { keyThumbprint } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import { agentContext, call, didOf, keyOf, limited, payPlace, rootContext, start } from './state-support.ts';
import { agent, holder, issuer, refusalOf, stranger } from './support.ts';

const anything = [limited('pay', {})];
const [third, fourth] = [keyOf(60), keyOf(61)];
const codeAt = (handle: CapabilityHandle) => refusalOf(handle, 'pay')?.code;

/** root → agent → third → fourth, and a sibling below the root. */
async function family(more: object = {}) {
  const where = await payPlace(more);
  const one = await where.issue(anything, { task: 'trip', subject: 'mailto:ann@acme.example' });
  const two = await where.pass(one, { from: agent, to: third, grants: anything, delegate: 2 });
  const three = await where.pass(two, { from: third, to: fourth, grants: anything });
  const sibling = await where.issue(anything, { holder: stranger.publicKey });
  const handles = {
    one: await where.handleAs(one, agent),
    two: await where.handleAs(two, third),
    three: await where.handleAs(three, fourth),
    sibling: await where.handleAs(sibling, stranger),
  };
  const codes = () => [handles.one, handles.two, handles.three, handles.sibling].map(codeAt);
  const entryOf = (handle: CapabilityHandle): RevocationEntry => ({ iss: handle.claims.iss, jti: handle.claims.jti });
  return { ...where, tokens: { one, two, three, sibling }, handles, codes, entryOf };
}

const ok = undefined;

describe('a revocation', () => {
  it('[STATE-REVOKED] ends the capability and every descendant at once, and nothing else', async () => {
    const f = await family();
    expect(f.codes()).toEqual([ok, ok, ok, ok]);
    await f.revocations.revoke([f.entryOf(f.handles.two)], rootContext);
    expect(f.codes()).toEqual([ok, 'REVOKED', 'ANCESTOR_REVOKED', ok]);
    expect(refusalOf(f.handles.three, 'pay')).toMatchObject({ class: 'REVOKED', cap: f.handles.three.cap });
  });

  it('[STATE-REVOKED] refuses the token at admission as well, also one that was never seen', async () => {
    const f = await family();
    await f.revocations.revoke([f.entryOf(f.handles.two)], rootContext);
    expect((await f.admitAs(f.tokens.two, third)).denied).toMatchObject({ code: 'REVOKED', link: 1 });
    const later = await f.pass(f.tokens.two, { from: third, to: keyOf(77), grants: anything });
    expect((await f.admitAs(later, keyOf(77))).denied).toMatchObject({ code: 'ANCESTOR_REVOKED', link: 1 });
    expect((await f.admitAs(f.tokens.one, agent)).denied).toBeUndefined();
  });

  it.each<[string, (f: Awaited<ReturnType<typeof family>>) => RevocationEntry, (string | undefined)[]]>([
    ['one link', (f) => f.entryOf(f.handles.one), ['REVOKED', 'ANCESTOR_REVOKED', 'ANCESTOR_REVOKED', ok]],
    ['a holder key', () => ({ key: keyThumbprint(third.publicKey) }), [ok, 'REVOKED', 'ANCESTOR_REVOKED', ok]],
    ['a task', () => ({ task: 'trip' }), ['REVOKED', 'ANCESTOR_REVOKED', 'ANCESTOR_REVOKED', ok]],
    ['a subject', () => ({ sub: 'mailto:ann@acme.example' }), ['REVOKED', 'ANCESTOR_REVOKED', 'ANCESTOR_REVOKED', ok]],
    ['another task', () => ({ task: 'trip2' }), [ok, ok, ok, ok]],
    ['the jti under another issuer', (f) => ({ iss: 'did:key:other', jti: f.handles.one.claims.jti }), [ok, ok, ok, ok]],
  ])('[STATE-REVOKED] by %s', async (_, entry, codes) => {
    const f = await family();
    await f.revocations.revoke([entry(f)], rootContext);
    expect(f.codes()).toEqual(codes);
  });

  it('[STATE-REVOKER] an issuer in between ends what is below it, a holder what it holds, and neither anything else', async () => {
    const f = await family();
    const entries = [f.handles.one, f.handles.two, f.handles.three, f.handles.sibling].map(f.entryOf);
    // The last holder can only give up its own.
    await f.revocations.revoke(entries, { issuer: didOf(fourth), signer: localSigner(fourth) });
    expect(f.codes()).toEqual([ok, ok, 'REVOKED', ok]);
    await f.revocations.revoke(entries, { issuer: didOf(third), signer: localSigner(third) });
    expect(f.codes()).toEqual([ok, 'REVOKED', 'REVOKED', ok]);
    await f.revocations.revoke(entries, agentContext);
    expect(f.codes()).toEqual(['REVOKED', 'REVOKED', 'REVOKED', ok]);
  });

  it('[STATE-REVOKER] a stranger ends nothing, whatever it lists', async () => {
    const f = await family();
    const entries = [...Object.values(f.handles).map(f.entryOf), { task: 'trip' }, { sub: 'mailto:ann@acme.example' }, { key: keyThumbprint(agent.publicKey) }];
    await f.revocations.revoke(entries, { issuer: didOf(keyOf(99)), signer: localSigner(keyOf(99)) });
    expect(f.codes()).toEqual([ok, ok, ok, ok]);
  });

  it('[STATE-REVOKER] an issuer in between cannot end its sibling by naming their common subject', async () => {
    const f = await family();
    await f.revocations.revoke([{ sub: 'mailto:ann@acme.example' }], { issuer: didOf(third), signer: localSigner(third) });
    expect(f.codes()).toEqual([ok, 'REVOKED', 'ANCESTOR_REVOKED', ok]);
  });

  it('[STATE-REVOKED] between the decision and the reservation, and while limits are reserved, is in time', async () => {
    const f = await family();
    const permit = authorize(f.handles.one, { tool: 'pay', input: {} });
    if (permit.denied) throw new Error('not permitted');
    await f.revocations.revoke([f.entryOf(f.handles.one)], rootContext);
    expect((await reserve(permit)).denied).toMatchObject({ code: 'REVOKED' });

    const g = await family();
    const handle = await g.handleAs(await g.issue([limited('pay', { limit: { count: 5 } })]), agent);
    const slow = {
      take: async (wanted: Parameters<typeof g.reservations.take>[0]) => {
        const taken = await g.reservations.take(wanted);
        await g.revocations.revoke([{ iss: issuer, jti: handle.claims.jti }], rootContext);
        return taken;
      },
    };
    expect((await call(handle, { reservations: slow })).denied).toMatchObject({ code: 'REVOKED' });
  });

  it('[STATE-REVOKED-FOR-GOOD] lasts: nothing un-revokes, and a store that fails does not keep the chain alive', async () => {
    const memory = memoryRevocationStore();
    let full = true;
    const store: RevocationStore = {
      load: () => memory.load(),
      append: async (news) => {
        if (full) throw new Error('disk full');
        return memory.append(news);
      },
    };
    const f = await family({ store });
    await expect(f.revocations.revoke([f.entryOf(f.handles.one)], rootContext)).rejects.toThrow('disk full');
    expect(f.codes()).toEqual(['REVOKED', 'ANCESTOR_REVOKED', 'ANCESTOR_REVOKED', ok]);
    full = false;
    await f.revocations.revoke([f.entryOf(f.handles.one)], rootContext);
    await f.revocations.revoke([{ task: 'other' }], rootContext);
    expect(f.codes()).toEqual(['REVOKED', 'ANCESTOR_REVOKED', 'ANCESTOR_REVOKED', ok]);
    expect((await openRevocations({ store: memory, env: f.env })).export(issuer)?.split('\n').length).toBe(3);
  });

  it('[STATE-EPOCH] a new epoch ends all that its issuer issued before, and what carries it lives', async () => {
    const f = await family();
    expect(await f.revocations.raiseEpoch(rootContext)).toBe(1);
    expect(f.codes()).toEqual(['EPOCH_OLD', 'EPOCH_OLD', 'EPOCH_OLD', 'EPOCH_OLD']);
    expect((await f.admitAs(f.tokens.two, third)).denied).toMatchObject({ code: 'EPOCH_OLD', link: 0 });
    const fresh = await f.issue(anything, { epoch: f.revocations.epoch(issuer) });
    expect(codeAt(await f.handleAs(fresh, agent))).toBeUndefined();
  });

  it('[STATE-EPOCH] of somebody else changes nothing', async () => {
    const f = await family();
    await f.revocations.raiseEpoch(agentContext);
    expect(f.codes()).toEqual([ok, ok, ok, ok]);
  });

  it('[STATE-REVOKE-TOKEN] takes a token, and refuses one that the signer cannot take back', async () => {
    const f = await family();
    await revokeToken(f.revocations, f.tokens.two, rootContext);
    expect(f.codes()).toEqual([ok, 'REVOKED', 'ANCESTOR_REVOKED', ok]);
    await expect(revokeToken(f.revocations, f.tokens.sibling, agentContext)).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    await expect(revokeToken(f.revocations, 'no token', rootContext)).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    await revokeToken(f.revocations, f.tokens.one, agentContext);
    expect(f.codes()).toEqual(['REVOKED', 'REVOKED', 'ANCESTOR_REVOKED', ok]);
  });
});

describe('freshness', () => {
  const long = { lifetimeSeconds: 7200 };

  it('[STATE-STALE] without news of the root a chain holds for max_stale after its issue, 300 s if it says nothing', async () => {
    const where = await payPlace();
    const handles = await Promise.all(
      [{}, { maxStaleSeconds: 600 }].map(async (more) => where.handleAs(await where.issue(anything, { ...long, ...more }), agent)),
    );
    where.env.set(start + 329_999);
    expect(handles.map(codeAt)).toEqual([ok, ok]);
    where.env.set(start + 330_000);
    expect(handles.map(codeAt)).toEqual(['REVOCATION_STALE', ok]);
    where.env.set(start + 630_000);
    expect(handles.map(codeAt)).toEqual(['REVOCATION_STALE', 'REVOCATION_STALE']);
  });

  it('[STATE-STALE] a newer head of the root renews it, one of somebody else does not', async () => {
    const where = await payPlace();
    const handle = await where.handleAs(await where.issue(anything, long), agent);
    where.env.advance(1000);
    await where.revocations.renew(agentContext);
    expect(codeAt(handle)).toBe('REVOCATION_STALE');
    await where.revocations.renew(rootContext);
    expect(codeAt(handle)).toBeUndefined();
    where.env.advance(330);
    expect(codeAt(handle)).toBe('REVOCATION_STALE');
  });

  it('[STATE-STALE] max_stale 0 is satisfied by no timestamp', async () => {
    const where = await payPlace();
    await where.revocations.renew(rootContext);
    const token = await where.issue(anything, { maxStaleSeconds: 0 });
    expect((await where.admitAs(token, agent)).denied).toMatchObject({ code: 'REVOCATION_STALE' });
    where.revocations.adopt(issuer);
    expect((await where.admitAs(token, agent)).denied).toBeUndefined();
  });

  it('[STATE-STALE] nor by one that is dated ahead', async () => {
    const [home, where] = [await payPlace({ own: [issuer] }), await payPlace()];
    home.env.advance(20);
    await home.revocations.renew(rootContext);
    await where.revocations.import(home.revocations.export(issuer) as string);
    expect((await where.admitAs(await where.issue(anything, { maxStaleSeconds: 0 }), agent)).denied).toMatchObject({ code: 'REVOCATION_STALE' });
  });

  it('[STATE-ANSWER] an answer to a nonce lets one admission pass what demands it, for half a minute', async () => {
    const [home, where] = [await payPlace({ own: [issuer] }), await payPlace()];
    const token = await where.issue(anything, { maxStaleSeconds: 0 });
    const nonce = encodeBase64url(new Uint8Array(32).fill(1));
    const [text] = await home.revocations.news({ after: 0, nonce }, rootContext);
    const revocations = await where.revocations.confirm({ text: text as string, issuer, nonce });
    expect((await where.admitAs(token, agent)).denied).toMatchObject({ code: 'REVOCATION_STALE' });
    const { handle } = await where.admitAs(token, agent, { revocations });
    expect(codeAt(handle as CapabilityHandle)).toBeUndefined();
    where.env.advance(30);
    expect(codeAt(handle as CapabilityHandle)).toBe('REVOCATION_STALE');
  });

  it('[STATE-ANSWER] an answer to another nonce, without one, or by another issuer is refused, and what it says ends what it names', async () => {
    const [home, where] = [await payPlace({ own: [issuer] }), await payPlace()];
    const [nonce, other] = [1, 2].map((fill) => encodeBase64url(new Uint8Array(32).fill(fill))) as [string, string];
    const bad = { code: 'TALOS_CAPABILITY_BAD_REVOCATIONS' };
    for (const reader of [{ after: 0 }, { after: 0, nonce: other }]) {
      const [text] = await home.revocations.news(reader, rootContext);
      await expect(where.revocations.confirm({ text: text as string, issuer, nonce })).rejects.toMatchObject(bad);
    }
    const [theirs] = await home.revocations.news({ after: 0, nonce }, agentContext);
    await expect(where.revocations.confirm({ text: theirs as string, issuer, nonce })).rejects.toMatchObject(bad);
    const token = await where.issue(anything, { maxStaleSeconds: 0 });
    await revokeToken(home.revocations, token, rootContext);
    const [text] = await home.revocations.news({ after: 0, nonce }, rootContext);
    await expect(where.revocations.confirm({ text: flip(text as string, -10), issuer, nonce })).rejects.toMatchObject(bad);
    const revocations = await where.revocations.confirm({ text: text as string, issuer, nonce });
    expect((await where.admitAs(token, agent, { revocations })).denied).toMatchObject({ code: 'REVOKED' });
  });

  it('[STATE-STALE] an issuer of this home is always fresh', async () => {
    const where = await payPlace({ own: [issuer] });
    const handle = await where.handleAs(await where.issue(anything, { ...long, maxStaleSeconds: 1 }), agent);
    where.env.advance(7000);
    expect(codeAt(handle)).toBeUndefined();
    await where.revocations.revoke([{ iss: issuer, jti: handle.claims.jti }], rootContext);
    expect(codeAt(handle)).toBe('REVOKED');
  });

  it('[STATE-STALE] the shortest max_stale of the chain counts', async () => {
    const where = await payPlace();
    const token = await where.issue(anything, { ...long, maxStaleSeconds: 600 });
    const handle = await where.handleAs(
      await where.pass(token, { from: agent, to: third, grants: anything, maxStaleSeconds: 60, lifetimeSeconds: 3600 }),
      third,
    );
    where.env.advance(91);
    expect(codeAt(handle)).toBe('REVOCATION_STALE');
  });

  it('[STATE-STALE] a chain that was forgotten because it had expired does not come back with the clock', async () => {
    const where = await payPlace();
    const handle = await where.handleAs(await where.issue(anything), agent);
    where.env.advance(400);
    for (let i = 0; i < 1100; i++)
      where.revocations.track([{ iss: issuer, jti: String(i), holder: 'h', claims: { ...handle.claims, exp: start / 1000 + 9999 } }]);
    where.env.set(start + 1000);
    expect(codeAt(handle)).toBe('REVOCATION_STALE');
  });
});

describe('a list from elsewhere', () => {
  async function author() {
    const home = await payPlace({ own: [issuer] });
    return { ...home, list: () => home.revocations.export(issuer) as string };
  }

  it('[STATE-LIST] travels as text, is verified by anybody, and ends chains where it arrives', async () => {
    const home = await author();
    const f = await family();
    await home.revocations.revoke([f.entryOf(f.handles.two)], rootContext);
    expect(verifyRevocationList(parseRevocationList(home.list()), didKeys())).toMatchObject({
      iss: issuer,
      size: 1,
      epoch: 0,
      entries: [f.entryOf(f.handles.two)],
    });
    await f.revocations.import(home.list());
    expect(f.codes()).toEqual([ok, 'REVOKED', 'ANCESTOR_REVOKED', ok]);
    await f.revocations.import(home.list());
    await home.revocations.revoke([f.entryOf(f.handles.one)], rootContext);
    // Only what the reader has not seen.
    await f.revocations.import(home.revocations.export(issuer, 1) as string);
    expect(f.codes()[0]).toBe('REVOKED');
    expect(f.revocations.export(issuer)).toBe(home.list());
  });

  it('[STATE-LIST] an epoch travels with its head', async () => {
    const home = await author();
    const f = await family();
    await home.revocations.raiseEpoch(rootContext);
    await f.revocations.import(home.list());
    expect(f.codes()[0]).toBe('EPOCH_OLD');
  });

  it('[STATE-LIST] as long as there are many entries it is written in segments', async () => {
    const home = await author();
    await home.revocations.revoke(
      Array.from({ length: 10_000 }, (_, i) => ({ task: `t${i}` })),
      rootContext,
    );
    expect(verifyRevocationList(parseRevocationList(home.list()), didKeys())).toMatchObject({ size: 3 });
    const f = await family();
    await f.revocations.import(home.list());
  });

  it('[STATE-ROLLBACK] an older list, an older epoch and another history are refused and change nothing', async () => {
    const home = await author();
    await home.revocations.renew(rootContext);
    const empty = home.list();
    await home.revocations.revoke([{ task: 'trip' }], rootContext);
    const one = home.list();
    await home.revocations.raiseEpoch(rootContext);
    const epoch = home.list();
    const f = await family();
    await f.revocations.import(epoch);
    const rolledBack = { code: 'TALOS_CAPABILITY_REVOCATIONS_ROLLED_BACK' };
    for (const old of [empty, one]) await expect(f.revocations.import(old)).rejects.toMatchObject(rolledBack);
    const other = await author();
    await other.revocations.revoke([{ task: 'another' }], rootContext);
    await other.revocations.revoke([{ task: 'and another' }], rootContext);
    await other.revocations.raiseEpoch(rootContext);
    await expect(f.revocations.import(other.list())).rejects.toMatchObject(rolledBack);
    await expect(f.revocations.import(other.revocations.export(issuer, 1) as string)).rejects.toMatchObject(rolledBack);
    expect(f.revocations.export(issuer)).toBe(epoch);
  });

  it.each<[string, (lines: string[]) => string[]]>([
    ['nothing', () => []],
    ['no head', (lines) => lines.slice(0, -1)],
    ['a missing segment', (lines) => lines.slice(1)],
    ['a missing segment in the middle', (lines) => [lines[0]!, ...lines.slice(2)]],
    ['segments out of order', (lines) => [lines[1]!, lines[0]!, ...lines.slice(2)]],
    ['a segment twice', (lines) => [lines[0]!, ...lines]],
    ['a changed segment', (lines) => [flip(lines[0]!, 80), ...lines.slice(1)]],
    ['a changed signature of the head', (lines) => [...lines.slice(0, -1), flip(lines.at(-1)!, -10)]],
    ['a segment for a head', (lines) => [...lines.slice(0, -1), lines[0]!]],
    ['garbage', () => ['garbage']],
  ])('[STATE-LIST-BAD] with %s is refused', async (_, change) => {
    const home = await author();
    for (const task of ['a', 'b', 'c']) await home.revocations.revoke([{ task }], rootContext);
    const f = await family();
    const text = change(home.list().split('\n')).join('\n');
    await expect(f.revocations.import(text)).rejects.toMatchObject({ code: expect.stringMatching(/BAD_REVOCATIONS|ROLLED_BACK/) as string });
    expect(f.revocations.export(issuer)).toBeUndefined();
  });

  it('[STATE-LIST-BAD] of an issuer that nobody here follows is refused, so that strangers cannot fill the store', async () => {
    const f = await family();
    const other = await payPlace();
    const spammer = { issuer: didOf(keyOf(99)), signer: localSigner(keyOf(99)) };
    await other.revocations.revoke([{ task: 'x' }], spammer);
    await expect(f.revocations.import(other.revocations.export(spammer.issuer) as string)).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_REVOCATIONS' });
    // A holder of a chain in use is followed.
    await other.revocations.revoke([f.entryOf(f.handles.one)], agentContext);
    await f.revocations.import(other.revocations.export(holder) as string);
    expect(f.codes()[0]).toBe('REVOKED');
  });

  it('[STATE-LIST-BAD] from the future, or signed by another key than its issuer, is refused', async () => {
    const home = await author();
    home.env.advance(31);
    await home.revocations.renew(rootContext);
    const f = await family();
    await expect(f.revocations.import(home.list())).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_REVOCATIONS' });
    await expect(home.revocations.revoke([{ task: 'x' }], { issuer, signer: localSigner(stranger) })).rejects.toMatchObject({
      code: 'TALOS_CAPABILITY_BAD_REVOCATIONS',
    });
  });

  it.each<[string, unknown]>([
    ['of two kinds', { task: 'a', sub: 'b' }],
    ['of no kind', {}],
    ['with an unknown member', { task: 'a', reason: 'b' }],
    ['with a jti alone', { jti: 'A'.repeat(22) }],
    ['with an empty task', { task: '' }],
    ['that is text', 'task'],
    ['that is null', null],
  ])('[STATE-LIST-BAD] an entry %s is not signed', async (_, entry) => {
    const home = await author();
    await expect(home.revocations.revoke([entry as never], rootContext)).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_REVOCATIONS' });
  });

  it('[STATE-LIST-BAD] a stored list that was changed is not opened', async () => {
    const memory = memoryRevocationStore();
    const home = await payPlace({ store: memory });
    await home.revocations.revoke([{ task: 'a' }], rootContext);
    const [stored] = await memory.load();
    const open = (change: object) => openRevocations({ store: { ...memory, load: async () => [{ ...stored!, ...change }] }, env: home.env });
    await expect(open({ segments: [] })).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_REVOCATIONS' });
    await expect(open({ segments: [flip(stored!.segments[0]!, 80)] })).rejects.toMatchObject({ code: expect.stringContaining('TALOS_CAPABILITY') as string });
    await expect(open({ issuer: holder })).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_REVOCATIONS' });
  });

  it('[STATE-LIST] two writers of one list do not lose each other', async () => {
    const store = memoryRevocationStore();
    const [a, b] = [await payPlace({ store }), await payPlace({ store })];
    await a.revocations.revoke([{ task: 'a' }], rootContext);
    await b.revocations.revoke([{ task: 'b' }], rootContext);
    expect(await Promise.all([a.revocations.raiseEpoch(rootContext), b.revocations.renew(rootContext)])).toEqual([1, undefined]);
    await a.revocations.refresh();
    expect(verifyRevocationList(parseRevocationList(a.revocations.export(issuer) as string), didKeys()).entries).toEqual([{ task: 'a' }, { task: 'b' }]);
  });

  it('[STATE-LIST] what another writer of the store took back ends chains here as soon as it is asked for', async () => {
    const store = memoryRevocationStore();
    const [a, b] = [await family({ store }), await payPlace({ store })];
    expect(a.revocations.refresh()).toBeUndefined();
    await b.revocations.revoke([a.entryOf(a.handles.two)], rootContext);
    expect(a.codes()).toEqual([ok, ok, ok, ok]);
    await a.revocations.refresh();
    expect(a.codes()).toEqual([ok, 'REVOKED', 'ANCESTOR_REVOKED', ok]);
    expect(a.revocations.refresh()).toBeUndefined();
  });

  it('[STATE-LIST] a long list travels in parts that fit messages, and no part says that it is the whole', async () => {
    const home = await author();
    const tasks = (name: string) => Array.from({ length: 3000 }, (_, i) => ({ task: `${name}${i}${'x'.repeat(400)}` }));
    await home.revocations.revoke(tasks('a'), rootContext);
    home.env.advance(100);
    const f = await family();
    const handle = await f.handleAs(await f.issue(anything, { lifetimeSeconds: 7200, task: 'late' }), agent);
    f.env.advance(400);
    home.env.advance(300);
    await home.revocations.revoke([...tasks('b'), { task: 'late' }], rootContext);
    const parts = await home.revocations.news({ after: 0 }, rootContext);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(part.length).toBeLessThan(1_000_000);
    await f.revocations.import(parts[0]!);
    // Who holds back the rest has not made the news fresh.
    expect(codeAt(handle)).toBe('REVOCATION_STALE');
    for (const part of parts.slice(1)) await f.revocations.import(part);
    expect(codeAt(handle)).toBe('REVOKED');
    expect(f.revocations.size(issuer)).toBe(home.revocations.size(issuer));
  });

  it('[STATE-LIST-BAD] of an issuer that nobody here follows costs no signature', async () => {
    const asked: string[] = [];
    const f = await family({ keys: { resolve: (who: string) => void asked.push(who) } });
    const other = await payPlace();
    await other.revocations.revoke([{ task: 'x' }], { issuer: didOf(keyOf(99)), signer: localSigner(keyOf(99)) });
    await expect(f.revocations.import(other.revocations.export(didOf(keyOf(99))) as string)).rejects.toMatchObject({
      code: 'TALOS_CAPABILITY_BAD_REVOCATIONS',
    });
    expect(asked).toEqual([]);
  });

  it('[STATE-LIST] parses what it formats', () => {
    const list = { segments: ['a', 'b'], head: 'c' };
    expect(parseRevocationList(formatRevocationList(list))).toEqual(list);
    expect(parseRevocationList(`${formatRevocationList(list)}\n`)).toEqual(list);
  });
});

function flip(text: string, at: number): string {
  const index = at < 0 ? text.length + at : at;
  return text.slice(0, index) + (text[index] === 'A' ? 'B' : 'A') + text.slice(index + 1);
}
