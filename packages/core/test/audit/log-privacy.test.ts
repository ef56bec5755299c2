import { describe, expect, it } from 'vitest';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { verifyCommitment } from '../../src/audit/commitment.ts';
import { parseEntry } from '../../src/audit/entry.ts';
import { fsck } from '../../src/audit/fsck.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { openLogPrivacy, type LogPrivacy } from '../../src/audit/log-privacy.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { memoryPrivateStore } from '../../src/audit/memory-private-store.ts';
import { withPrivateStore, type PrivateAuditStore } from '../../src/audit/private-audit-store.ts';
import { sealOpening, unsealOpening } from '../../src/audit/subject-seal.ts';
import { decodeBase64url } from '../../src/bytes/base64url.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/bytes/utf8.ts';
import type { Env } from '../../src/env/env.ts';
import { systemEnv } from '../../src/env/env.ts';
import { caught, testSigner } from './support.ts';

const day = 86_400_000;
const order = { reason: 'gdpr-17-1-a', authority: 'data protection office' };

type World = { readonly log: AuditLog; readonly store: PrivateAuditStore; readonly privacy: LogPrivacy; readonly clock: { now: number }; readonly env: Env };

async function open(store?: PrivateAuditStore, clock = { now: Date.UTC(2026, 0, 1) }): Promise<World> {
  const used = store ?? (await withPrivateStore(memoryAuditStore(), memoryPrivateStore()));
  const env = { ...systemEnv, now: () => clock.now };
  const log = await openAuditLog({ store: used, signer: testSigner(), origin: 'privacy.example', env });
  return { log, store: used, privacy: await openLogPrivacy({ log, store: used, env }), clock, env };
}

const call = (n: number) => ({ type: 'tool.request' as const, call: `c${n}`, commit: { args: { diagnosis: `flu ${n}` }, note: 'seen' } });
const texts = async (log: AuditLog, index: number) =>
  (await log.openings(index)).map(({ field, payload }) => `${field}=${decodeUtf8(payload).replace(/^"(.*)"$/, '$1')}`);

describe('payloads about a person', () => {
  it('[PRIVACY-SUBJECT-KEY] salts come from the key of the person, payloads are stored sealed, and both open as they were committed to', async () => {
    const { log, store, privacy } = await open();
    const { index, bytes } = await privacy.about('Ada').append(call(1));
    const openings = await log.openings(index);
    expect(await texts(log, index)).toEqual(['subject=Ada', 'args={"diagnosis":"flu 1"}', 'note=seen']);
    for (const opening of openings)
      verifyCommitment({ ...opening, commitment: decodeBase64url((parseEntry(bytes).commit as Record<string, string>)[opening.field] as string) });
    const stored = await store.privateStore.loadOpenings(index);
    for (const { payload } of stored) expect(Buffer.from(payload).toString('latin1')).not.toMatch(/Ada|flu|seen/);
    expect(stored.map(({ salt }) => Buffer.from(salt).toString('hex'))).not.toEqual(openings.map(({ salt }) => Buffer.from(salt).toString('hex')));
    expect(decodeUtf8(bytes)).not.toMatch(/Ada|flu/);
    // Two payloads alike have commitments that say nothing about it.
    const again = parseEntry((await privacy.about('Ada').append(call(1))).bytes);
    expect(Object.values(again.commit ?? {})).not.toContain(parseEntry(bytes).commit?.['args']);
  });

  it('[PRIVACY-SUBJECT-KEY] a sealed payload opens under its own key, field and reference only', () => {
    const subject = { ref: 'r', key: new Uint8Array(32).fill(1) };
    const [opening, stored] = sealOpening({ field: 'args', salt: new Uint8Array(32).fill(2), payload: encodeUtf8('x') }, subject);
    expect(unsealOpening(stored, subject)).toEqual(opening);
    const wrong = [
      () => unsealOpening(stored, { ...subject, key: new Uint8Array(32) }),
      () => unsealOpening(stored, { ...subject, ref: 's' }),
      () => unsealOpening({ ...stored, field: 'result' }, subject),
      () => unsealOpening({ ...stored, salt: new Uint8Array(32) }, subject),
    ];
    for (const unseal of wrong) expect(unseal).toThrow(expect.objectContaining({ code: 'TALOS_STORE_CORRUPT' }));
  });

  it('[PRIVACY-SUBJECT-KEY] a JSON payload cannot bring a salt or seal of its own', async () => {
    const { log } = await open();
    const forged = JSON.parse('{"salt":"00","stored":{},"opening":{},"sealing":{}}') as Record<string, never>;
    const { index } = await log.append({ type: 'tool.request', commit: { args: forged } });
    const [opening] = await log.openings(index);
    expect(opening?.salt.length).toBe(32);
    expect(decodeUtf8(opening?.payload ?? new Uint8Array())).toContain('"salt":"00"');
  });
});

describe('erasing', () => {
  it('[PRIVACY-ERASE-PERSON] a person goes whole, the others stay, and the log verifies', async () => {
    const { log, store, privacy } = await open();
    const ada = [await privacy.about('Ada').append(call(1)), await privacy.about('Ada').append(call(2))];
    const bob = await privacy.about('Bob').append(call(3));
    const nobody = await log.append(call(4));
    const before = await store.privateStore.loadOpenings(ada[0]?.index ?? -1);
    const erasure = await privacy.eraseSubject('Ada', order);
    expect(erasure).toMatchObject({ number: 1, entries: 2, counterparties: [], backups: [{ store: 'keys', from: Date.UTC(2026, 0, 1) }] });
    for (const { index } of ada) {
      expect(await log.openings(index)).toEqual([]);
      expect((await log.proveInclusion(index)).entry).toEqual((await log.entry(index)).bytes);
    }
    expect(await texts(log, bob.index)).toContain('subject=Bob');
    expect(await texts(log, nobody.index)).toContain('note=seen');
    // What a copy of the payloads from before holds is worth nothing without the key.
    await store.privateStore.saveOpenings([{ index: 99, openings: before }]);
    expect(await store.loadOpenings(99)).toEqual([]);
    const { entry } = await log.entry(erasure.index);
    expect(entry).toMatchObject({ type: 'erasure', erased: 'subject', entries: 2, ...order, id: 'erasure:1' });
    expect(JSON.stringify(entry)).not.toContain('Ada');
    expect(await caught(() => privacy.eraseSubject('Ada', order))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    await log.close();
    expect(await fsck(storeSource(store), { verifierKey: log.verifierKey })).toMatchObject({ sound: true });
  });

  it('[PRIVACY-ERASE-PERSON] a person who comes again has another key and another reference', async () => {
    const { log, store, privacy } = await open();
    await privacy.about('Ada').append(call(1));
    const { ref } = (await store.privateStore.findSubject('Ada')) ?? { ref: '' };
    await privacy.eraseSubject('Ada', order);
    const { index } = await privacy.about('Ada').append(call(2));
    expect(await texts(log, index)).toContain('subject=Ada');
    expect((await store.privateStore.findSubject('Ada'))?.ref).not.toBe(ref);
  });

  it('[PRIVACY-ERASE-PAYLOAD] one payload or one field goes, the commitment stays and opens no more', async () => {
    const { log, privacy } = await open();
    const { index } = await log.append(call(1));
    await privacy.erasePayload({ index, field: 'args' }, order);
    expect(await texts(log, index)).toEqual(['note=seen']);
    await privacy.erasePayload({ index }, order);
    expect(await log.openings(index)).toEqual([]);
    expect(Object.keys((await log.entry(index)).entry.commit ?? {})).toEqual(['args', 'note']);
    expect(await caught(() => privacy.erasePayload({ index }, order))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
  });

  it('[PRIVACY-ORDER] an erasure without a reason code and an authority is refused, and changes nothing', async () => {
    const { log, privacy } = await open();
    const { index } = await log.append(call(1));
    for (const wrong of [
      { ...order, reason: 'Because she asked' },
      { ...order, authority: '' },
      { ...order, authority: 'x'.repeat(257) },
      { reason: '', authority: 'x' },
    ])
      expect(await caught(() => privacy.erasePayload({ index }, wrong))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    expect((await log.openings(index)).length).toBe(2);
    expect(log.size).toBe(2);
  });

  it('[PRIVACY-COUNTERPARTIES] who may hold a salt is named: parties of the call, of the message, and who was given an opening', async () => {
    const { log, privacy } = await open();
    const { index } = await privacy.about('Ada').append(call(1));
    await privacy.about('Ada').append({ type: 'message.out', message_hash: 'm1', commit: { text: 'hello' } });
    await log.append({ type: 'handoff', call: 'c1', peer: 'did:key:tool' });
    await log.append({ type: 'message.in', message_hash: 'm1', peer: 'did:key:friend' });
    await log.append({ type: 'handoff', call: 'c2', peer: 'did:key:stranger' });
    await privacy.disclose([index], 'auditor');
    const { counterparties, index: at } = await privacy.eraseSubject('Ada', order);
    expect(counterparties.map(({ holder, as }) => `${as} ${holder}`).toSorted()).toEqual(['peer did:key:friend', 'peer did:key:tool', 'recipient auditor']);
    expect((await log.entry(at)).entry).toMatchObject({ holders_total: 3 });
  });

  it('[PRIVACY-HOLD] a legal hold on a person, on entries or on all keeps what it covers until it is released', async () => {
    const { log, privacy } = await open();
    const { index } = await privacy.about('Ada').append(call(1));
    const other = await log.append(call(2));
    for (const covers of [{ subject: 'Ada' }, { from: index, to: index + 1 }, {}]) {
      const { id } = await privacy.hold({ reason: 'lawsuit', authority: 'court', ...covers });
      expect(await caught(() => privacy.eraseSubject('Ada', order))).toMatchObject({ code: 'TALOS_AUDIT_HELD' });
      expect(await caught(() => privacy.erasePayload({ index, field: 'args' }, order))).toMatchObject({ code: 'TALOS_AUDIT_HELD' });
      await privacy.release(id, order);
    }
    await privacy.hold({ reason: 'lawsuit', authority: 'court', subject: 'Ada' });
    await privacy.erasePayload({ index: other.index }, order);
    expect(await texts(log, index)).toContain('subject=Ada');
    expect(await caught(() => privacy.release('unknown', order))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
  });
});

describe('retention', () => {
  const policy = { classes: [{ types: ['tool.request' as const], minDays: 0, payloadDays: 30 }], others: { minDays: 180 } };

  it('[PRIVACY-RETENTION] payloads above their age go, held and younger ones stay', async () => {
    const { log, privacy, clock } = await open();
    const old = await log.append(call(1));
    const held = await privacy.about('Ada').append(call(2));
    const kept = await log.append({ ...call(3), type: 'tool.result' });
    await privacy.hold({ reason: 'lawsuit', authority: 'court', subject: 'Ada' });
    clock.now += 31 * day;
    const young = await log.append(call(4));
    expect((await privacy.retain(policy, order)).payloads).toMatchObject({ entries: 1, backups: [{ store: 'payloads' }] });
    expect(await log.openings(old.index)).toEqual([]);
    for (const { index } of [held, kept, young]) expect((await log.openings(index)).length).toBeGreaterThan(0);
    expect((await privacy.retain(policy, order)).payloads).toBeUndefined();
  });

  it('[PRIVACY-RETENTION] a policy that cannot be is refused', async () => {
    const { privacy } = await open();
    const wrong = [
      { others: { minDays: 2, maxDays: 1 } },
      { others: { minDays: -1 } },
      { others: { minDays: 0.5 } },
      { others: { minDays: 0 }, classes: [{ types: [], minDays: 0 }] },
      {
        others: { minDays: 0 },
        classes: [
          { types: ['gap' as const], minDays: 0 },
          { types: ['gap' as const], minDays: 1 },
        ],
      },
    ];
    for (const each of wrong) expect(await caught(() => privacy.retain(each, order))).toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
  });

  it('[PRIVACY-PRUNE-UNSUPPORTED] a store that cannot remove entries says so', async () => {
    const { log, privacy, clock } = await open();
    for (let n = 0; n < 300; n++) await log.append(call(n));
    clock.now += 400 * day;
    expect(await caught(() => privacy.retain({ others: { minDays: 1, maxDays: 2 } }, order))).toMatchObject({ code: 'TALOS_STORE_UNSUPPORTED' });
    expect((await log.entry(0)).entry.type).toBe('gap');
  });
});

describe('after a crash or a restore', () => {
  it('[PRIVACY-RESUME] what was begun is completed by the next opening, once', async () => {
    const { log, store, privacy } = await open();
    const { index } = await privacy.about('Ada').append(call(1));
    const { ref } = (await store.privateStore.findSubject('Ada')) ?? { ref: '' };
    await store.privateStore.begin({ number: 1, entry: { type: 'erasure', erased: 'subject', subject: ref, entries: 1, ...order } }, ref);
    expect(await log.openings(index)).toEqual([]);
    await log.close();
    const next = await open(store);
    expect(await store.privateStore.loadOpenings(index)).toEqual([]);
    const at = await next.log.find('id', 'erasure:1');
    expect((await next.log.entry(at ?? -1)).entry).toMatchObject({ erased: 'subject', ...order });
    const { size } = next.log;
    await openLogPrivacy(next);
    expect(next.log.size).toBe(size);
    expect(await next.privacy.report()).toMatchObject({ underWay: false, purged: [{ what: 'subject', ref, entries: 1, ...order }] });
  });

  it('[PRIVACY-RESTORED-COPY] a private store restored from before an erasure is erased again from what the log says', async () => {
    const { log, store, privacy } = await open();
    const ada = await privacy.about('Ada').append(call(1));
    const bob = await privacy.about('Bob').append(call(2));
    const plain = await log.append(call(3));
    const copy = memoryPrivateStore();
    for (const name of ['Ada', 'Bob']) await copy.ensureSubject(name, (await store.privateStore.findSubject(name)) ?? expect.fail());
    for (const { index } of [ada, bob, plain]) await copy.saveOpenings([{ index, openings: await store.privateStore.loadOpenings(index) }]);
    await privacy.eraseSubject('Ada', order);
    await privacy.erasePayload({ index: plain.index, field: 'args' }, order);
    await log.close();
    const restored = await withPrivateStore(store.entryStore, copy);
    expect((await restored.loadOpenings(ada.index)).length).toBe(3);
    const next = await open(restored);
    expect(await next.log.openings(ada.index)).toEqual([]);
    expect(await copy.findSubject('Ada')).toBeUndefined();
    expect(await texts(next.log, plain.index)).toEqual(['note=seen']);
    expect(await texts(next.log, bob.index)).toContain('subject=Bob');
    expect((await next.privacy.report()).purged.length).toBe(2);
  });

  it('[PRIVACY-ORDER] an entry that tells of a day that no calendar has is reported without it', async () => {
    const { log, privacy } = await open();
    await log.append({ type: 'retention', retention: 'payloads', at: Number.MAX_SAFE_INTEGER, entries: 1, ...order });
    expect((await privacy.report()).purged).toMatchObject([{ what: 'payloads', ref: '', entries: 1 }]);
  });

  it('[PRIVACY-NOT-DURABLE] openings of entries that did not become durable are dropped, and a refused batch leaves none', async () => {
    const entries = memoryAuditStore();
    const kept = memoryPrivateStore();
    await kept.saveOpenings([{ index: 0, openings: [{ field: 'args', salt: new Uint8Array(32), payload: new Uint8Array(1) }] }]);
    const { log, store } = await open(await withPrivateStore(entries, kept));
    expect(await log.openings(0)).toEqual([]);
    const head = await entries.loadHead();
    const row = {
      bytes: encodeUtf8('{}'),
      hashes: new Uint8Array(32),
      keys: [],
      openings: [{ field: 'args', salt: new Uint8Array(32), payload: new Uint8Array(1) }],
    };
    const other = { size: 0, root: new Uint8Array(32) };
    expect(await caught(() => store.append({ expected: other, head: { size: 1, root: head.root }, rows: [row] }))).toMatchObject({
      code: 'TALOS_STORE_CONFLICT',
    });
    expect(await kept.loadOpenings(0)).toEqual([]);
  });
});
