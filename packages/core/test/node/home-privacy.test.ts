import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { AuditLog } from '../../src/audit/audit-log.ts';
import { verifyConsistency } from '../../src/audit/consistency.ts';
import { verifyEntryProof } from '../../src/audit/entry-proof.ts';
import { fsck } from '../../src/audit/fsck.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { verifyRange } from '../../src/audit/range.ts';
import { formatRangeProof } from '../../src/audit/range-file.ts';
import { systemEnv } from '../../src/env/env.ts';
import { assembleEvidence } from '../../src/evidence/assemble-evidence.ts';
import { verifyEvidence } from '../../src/evidence/verify-evidence.ts';
import { exportLog } from '../../src/export/export-log.ts';
import { verifySiem } from '../../src/export/verify-siem.ts';
import { exportFormats } from '../../src/export/formats.ts';
import { openHomePrivacy, type HomePrivacy } from '../../src/node/home-privacy.ts';
import { homeStoreOf, nodeHome } from '../../src/node/node-home.ts';
import { readHomeLog } from '../../src/node/read-home-log.ts';
import { exportTiles, openTileDirectory } from '../../src/node/tile-directory.ts';
import { collectReport } from '../../src/report/collect-report.ts';
import { formatReportHtml } from '../../src/report/format-html.ts';
import { formatReportMarkdown } from '../../src/report/format-markdown.ts';
import { caught } from '../audit/support.ts';
import { cosigned, policy as quorum } from '../evidence/support.ts';

const root = mkdtempSync(join(tmpdir(), 'talos-home-privacy-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const order = { reason: 'gdpr-17-1-a', authority: 'data protection office' };
const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);
const names = ['Ada Lovelace', 'Grace Hopper', 'Alan Turing'];

type Opened = HomePrivacy & { readonly log: AuditLog; readonly dir: string; readonly stateDir: string; release(): Promise<void> };

/** A home keeps the clock of whoever opened it first. */
const clocks = new Map<string, number>();

async function open(folder: string, now = start): Promise<Opened> {
  clocks.set(folder, now);
  const [dir, stateDir] = [join(root, folder, 'home'), join(root, folder, 'state')];
  const env = { ...systemEnv, now: () => clocks.get(folder) as number };
  const opened = await openHomePrivacy({ dir, stateDir, env });
  const shared = nodeHome({ dir, stateDir }).log(env);
  const log = await shared.acquire();
  const release = async (): Promise<void> => {
    await shared.release();
    await opened.close();
  };
  return { ...opened, log, dir, stateDir, release };
}

/** Every person has a diagnosis of their own that stands nowhere else. */
const secretOf = (person: number): string => `diagnosis-${person}-of-this-person`;

type Filled = { readonly wanted: Buffer[]; /** An entry about the first person, and one about nobody. */ readonly ada: number; readonly nobody: number };

/** `entries` about three persons and nobody in turn, in one home. Returns what must not be found later, as bytes. */
async function fill({ log, privacy, dir }: Opened, entries: number): Promise<Filled> {
  for (let from = 0; from < entries; from += 4000) {
    const batch = Array.from({ length: Math.min(4000, entries - from) }, (_, i) => {
      const n = from + i;
      const person = n % 4;
      const entry = { type: 'tool.request' as const, call: `c${n}`, commit: { args: { n, of: person === 3 ? 'weather' : secretOf(person) } } };
      return (person === 3 ? log : privacy.about(names[person] as string)).append(entry);
    });
    await Promise.all(batch);
  }
  const { privateStore } = homeStoreOf(dir);
  const keys = await Promise.all(names.map((name) => privateStore.findSubject(name)));
  const [ada = -1] = await privateStore.indices({ subject: keys[0]?.ref ?? '' });
  const some = await privateStore.loadOpenings(ada);
  const subjects = new DatabaseSync(join(dir, 'subjects.db'), { readOnly: true });
  const sealed = subjects.prepare('SELECT ref, name, key FROM subject').all() as { readonly ref: string; readonly name: string; readonly key: Uint8Array }[];
  subjects.close();
  const wanted = [
    ...names.map((name) => Buffer.from(name)),
    ...names.map((_, person) => Buffer.from(secretOf(person))),
    ...keys.map((subject) => Buffer.from(subject?.key ?? [])),
    ...keys.map((subject) => Buffer.from(sealed.find(({ ref }) => ref === subject?.ref)?.name ?? '')),
    ...keys.map((subject) => Buffer.from(sealed.find(({ ref }) => ref === subject?.ref)?.key ?? [])),
    ...some.flatMap(({ salt, payload }) => [Buffer.from(salt), Buffer.from(payload)]),
  ];
  return { wanted, ada, nobody: (await log.find('call', 'c3')) ?? -1 };
}

function filesUnder(folder: string): string[] {
  const names_ = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names_.map((name) => join(folder, name)).filter((file) => statSync(file).isFile());
}

/** Bytes, and how they are written in base64 and hex. */
function formsOf(wanted: readonly Buffer[]): Buffer[] {
  return wanted.flatMap((bytes) => [bytes, ...['base64', 'base64url', 'hex'].map((form) => Buffer.from(bytes.toString(form as 'hex').replace(/=+$/, '')))]);
}

/** Where each of the texts stands, in bytes, base64 or hex. */
function found(folders: readonly string[], wanted: readonly Buffer[]): string[] {
  const forms = formsOf(wanted);
  return folders.flatMap(filesUnder).filter((file) => {
    const content = readFileSync(file);
    return forms.some((form) => content.includes(form));
  });
}

/** What a SIEM, a spreadsheet or an auditor is given of the whole log, in every format that there is. */
async function exportedTexts({ log, dir }: Opened): Promise<Buffer[]> {
  const options = { source: storeSource(homeStoreOf(dir)), verifierKey: log.verifierKey };
  const texts: Buffer[] = [];
  for (const format of exportFormats) {
    let text = '';
    for await (const piece of exportLog({ ...options, format })) text += piece;
    texts.push(Buffer.from(text));
  }
  const facts = await collectReport(options);
  return [...texts, Buffer.from(formatReportHtml(facts)), Buffer.from(formatReportMarkdown(facts))];
}

describe('three persons erased from a log of 10,000 entries', () => {
  it('[PRIVACY-NO-TRACE] nothing of them is in home, WAL, exports or state, and the whole log verifies', { timeout: 300_000 }, async () => {
    const world = await open('large');
    const { log, privacy, dir, stateDir } = world;
    const { wanted, ada, nobody } = await fill(world, 10_000);
    const since = log.size;
    await log.checkpoint();
    const tiles = join(root, 'large', 'tiles');
    await exportTiles({ store: homeStoreOf(dir), dir: tiles, verifierKey: log.verifierKey });
    // What is looked for is really there before, so that not finding it later means something.
    const before = found([dir], wanted);
    expect(before.some((file) => file.includes('subjects.db'))).toBe(true);
    expect(before.some((file) => file.includes('payloads.db'))).toBe(true);
    // A copy of the whole home without its key store names nobody, before any erasure.
    expect(
      found(
        [dir],
        names.map((name) => Buffer.from(name)),
      ),
    ).toEqual([]);
    for (const name of names) expect((await privacy.eraseSubject(name, order)).entries).toBe(2500);
    const evidence = await assembleEvidence({
      logs: [{ log, ranges: [{ start: 0, end: 4000 }], since: [since], disclose: [{ index: nobody, fields: ['args'] }] }],
    });
    expect((await verifyEvidence(evidence, { logs: [log.verifierKey] })).verdict).toBe('verified');
    await exportTiles({ store: homeStoreOf(dir), dir: tiles, verifierKey: log.verifierKey });
    expect(found([dir, stateDir, tiles], wanted)).toEqual([]);
    await log.checkpoint();
    const exports = await exportedTexts(world);
    expect(exports.filter((text) => text.length > 0).length).toBe(exportFormats.length + 1);
    for (const secret of formsOf(wanted)) for (const text of [Buffer.from(evidence), ...exports]) expect(text.includes(secret)).toBe(false);

    const note = await log.checkpoint();
    for (const source of [storeSource(homeStoreOf(dir)), await openTileDirectory(tiles)])
      expect(await fsck(source, { verifierKey: log.verifierKey, known: source.head ? [note] : [] })).toMatchObject({ sound: true });
    expect(verifyEntryProof(await log.proveInclusion(ada), log.verifierKey).index).toBe(ada);
    verifyConsistency(await log.proveConsistency(since));
    const window = await log.proveRange({ start: 0, end: 9000 });
    verifyRange(window, log.verifierKey);
    for (const secret of wanted) expect(Buffer.from(formatRangeProof(window)).includes(secret)).toBe(false);
    expect((await privacy.report()).purged.map(({ what, entries }) => `${what} ${entries}`)).toEqual(Array.from({ length: 3 }, () => 'subject 2500'));
    await world.release();
    expect(found([dir, stateDir, tiles], wanted)).toEqual([]);
    const reader = await readHomeLog({ dir, stateDir });
    expect(await reader.log.openings(ada)).toEqual([]);
    expect((await reader.log.openings(nobody)).length).toBe(1);
    await reader.close();
  });

  it('[PRIVACY-GUESS] a guess of a payload of few possible values is confirmed by its opening only, by no exported byte', { timeout: 120_000 }, async () => {
    const world = await open('guess');
    const { log, privacy, dir } = world;
    const answers = ['true', 'false'];
    for (let n = 0; n < 40; n++) await privacy.about(names[n % 3] as string).append({ type: 'tool.result', commit: { result: n % 2 === 0 } });
    const index = 5;
    const [opening] = (await log.openings(index)).filter(({ field }) => field === 'result');
    const commitment = (await log.entry(index)).entry.commit?.['result'] ?? '';
    const commit = (salt: Uint8Array, answer: string): string =>
      createHash('sha256').update('talos/commit/v1\0').update('result\0').update(salt).update(answer).digest('base64url');
    expect(answers.map((answer) => commit(opening?.salt ?? new Uint8Array(), answer))).toContain(commitment);
    await log.checkpoint();
    const tiles = join(root, 'guess', 'tiles');
    await exportTiles({ store: homeStoreOf(dir), dir: tiles, verifierKey: log.verifierKey });
    const evidence = await assembleEvidence({ logs: [{ log, ranges: [{ start: 0, end: 20 }], disclose: [{ index: 6, fields: ['result'] }] }] });
    const texts = [evidence, ...(await exportedTexts(world)).map(String)];
    const exported = [...filesUnder(tiles).map((file) => readFileSync(file)), ...texts.map((text) => Buffer.from(text))];
    const written = (pattern: RegExp): string[] => [...new Set(texts.flatMap((text) => text.match(pattern) ?? []))];
    const decoded = [
      ...written(/[A-Za-z0-9+/_-]{40,}=*/g).map((text) => Buffer.from(text, 'base64')),
      ...written(/[0-9a-f]{64,}/g).map((text) => Buffer.from(text, 'hex')),
    ];
    expect(Buffer.concat(decoded).length).toBeGreaterThan(5000);
    // Every 32 bytes that follow each other anywhere are tried as the salt; none too.
    for (const bytes of [...exported, ...decoded, Buffer.alloc(32)])
      for (let at = 0; at + 32 <= bytes.length; at++)
        for (const answer of answers) if (commit(bytes.subarray(at, at + 32), answer) === commitment) throw new Error('a salt was exported');
    expect(answers.map((answer) => commit(new Uint8Array(), answer))).not.toContain(commitment);
    await world.release();
  });
});

describe('while somebody reads', () => {
  it('[PRIVACY-RESUME] a reader that holds the file in its old state is reported, and the next call completes the erasure', { timeout: 120_000 }, async () => {
    const world = await open('reader');
    const { wanted } = await fill(world, 40);
    const reader = new DatabaseSync(join(world.dir, 'payloads.db'), { readOnly: true });
    reader.exec('BEGIN; SELECT count(*) FROM opening');
    expect(await caught(() => world.privacy.eraseSubject(names[0] as string, order))).toMatchObject({ code: 'TALOS_STORE_CONFLICT', retryable: true });
    expect(await world.privacy.report()).toMatchObject({ underWay: true, purged: [] });
    expect(await homeStoreOf(world.dir).privateStore.findSubject(names[0] as string)).toBeUndefined();
    reader.close();
    await world.privacy.eraseSubject(names[1] as string, order);
    expect((await world.privacy.report()).purged.map(({ what, entries }) => `${what} ${entries}`)).toEqual(['subject 10', 'subject 10']);
    const first = wanted.filter((_, i) => i % 3 !== 2 && i < 15);
    expect(found([world.dir, world.stateDir], first)).toEqual([]);
    await world.release();
  });

  it('[PRIVACY-RESUME] two who erase at once take turns, and each erasure has one entry', { timeout: 120_000 }, async () => {
    const world = await open('turns');
    await fill(world, 40);
    const other = await openHomePrivacy({ dir: world.dir, stateDir: world.stateDir });
    const by = [world.privacy, other.privacy, world.privacy];
    const erased = await Promise.all(names.map((name, i) => (by[i] ?? world.privacy).eraseSubject(name, order)));
    expect(erased.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect((await world.privacy.report()).purged.length).toBe(3);
    await other.close();
    await world.release();
  });
});

describe('pruning', () => {
  it('[PRIVACY-PRUNE] a beginning of the log goes, its hashes stay, and everything else is proved as before', { timeout: 120_000 }, async () => {
    const old = await open('prune');
    await fill(old, 1000);
    const note = await old.log.checkpoint();
    const seen = old.log.size;
    const tiles = join(root, 'prune', 'tiles');
    await exportTiles({ store: homeStoreOf(old.dir), dir: tiles, verifierKey: old.log.verifierKey });
    const entryBytes = Buffer.from('"call":"c7"');
    await old.release();

    const world = await open('prune', start + 400 * day);
    const { log, privacy, dir, stateDir } = world;
    await Promise.all(Array.from({ length: 20 }, (_, n) => log.append({ type: 'tool.request', call: `new${n}` })));
    const policy = { others: { minDays: 180, maxDays: 365 } };
    const held = await privacy.hold({ reason: 'lawsuit', authority: 'court', from: 600, to: 601 });
    expect(await privacy.retain(policy, order)).toMatchObject({ plan: { before: 512, stopped: { index: 600, why: 'hold' } } });
    await privacy.release(held.id, order);
    expect(await privacy.retain(policy, order)).toMatchObject({ plan: { before: 768, stopped: { why: 'minimum' } }, pruned: { entries: 256 } });
    expect((await privacy.retain(policy, order)).pruned).toBeUndefined();

    expect(await caught(() => log.entry(7))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    expect(await caught(() => log.proveInclusion(7))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    expect(await caught(() => log.proveRange({ start: 700, end: 800 }))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    expect(await log.find('call', 'c7')).toBeUndefined();
    expect(await log.openings(7)).toEqual([]);
    expect(verifyEntryProof(await log.proveInclusion(900), log.verifierKey).index).toBe(900);
    verifyConsistency(await log.proveConsistency(seen));
    verifyConsistency(await log.proveConsistency(10, seen));
    verifyRange(await log.proveRange({ start: 768, end: log.size }), log.verifierKey);
    await exportTiles({ store: homeStoreOf(dir), dir: tiles, verifierKey: log.verifierKey });
    expect(found([dir, tiles], [entryBytes])).toEqual([]);
    for (const source of [storeSource(homeStoreOf(dir)), await openTileDirectory(tiles)]) {
      const report = await fsck(source, { verifierKey: log.verifierKey, known: [note] });
      expect(report.findings.filter(({ about }) => about === 'integrity')).toEqual([]);
      expect(report.findings).toContainEqual(expect.objectContaining({ code: 'ENTRIES_PRUNED', index: 768 }));
    }
    expect(await privacy.report()).toMatchObject({
      pruned: 768,
      purged: [
        { what: 'entries', ref: 'before 512' },
        { what: 'entries', ref: 'before 768' },
      ],
    });
    // What is left is exported, checked and reported; what was removed is said.
    const checkpoint = await log.checkpoint();
    const source = storeSource(homeStoreOf(dir));
    let rows = '';
    for await (const piece of exportLog({ source, verifierKey: log.verifierKey, format: 'jsonl' })) rows += piece;
    expect(JSON.parse(rows.slice(0, rows.indexOf('\n')))).toMatchObject({ index: 768 });
    const siem = { format: 'jsonl' as const, rows: [rows], against: { source, verifierKey: log.verifierKey } };
    expect(await verifySiem(siem)).toMatchObject({ sound: true, matched: log.size - 768 });
    const witnesses = { policy: quorum, notes: [await cosigned(checkpoint)] };
    const facts = await collectReport({ source, verifierKey: log.verifierKey, witnesses });
    expect(facts).toMatchObject({
      pruned: 768,
      start: 768,
      end: log.size,
      sequenceFaults: { count: 0 },
      witnesses: { refused: 0, longest: { start: 768, ended: true } },
    });
    expect(formatReportMarkdown(facts)).toContain('not counted | 768 |');
    const quiet = {
      ...source,
      readRows: async (from: number, to: number) => (await source.readRows(from, to)).map((row, i) => (from + i === 768 ? { ...row, bytes: undefined } : row)),
    };
    for (const read of [
      () => collectReport({ source: quiet, verifierKey: log.verifierKey }),
      () => verifySiem({ ...siem, against: { ...siem.against, source: quiet } }),
    ])
      expect(await caught(read)).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    await world.release();
    // And it opens again.
    const again = await open('prune', start + 401 * day);
    expect((await again.log.entry(900)).index).toBe(900);
    await again.release();
    expect(found([dir, stateDir], [entryBytes])).toEqual([]);
  });

  it('[PRIVACY-PRUNE-SAID] entries without bytes that the log does not speak of are missing, not pruned', async () => {
    const world = await open('hidden');
    await fill(world, 600);
    await world.log.checkpoint();
    const store = homeStoreOf(world.dir);
    await store.upkeep?.prune(256);
    const report = await fsck(storeSource(store), { verifierKey: world.log.verifierKey });
    expect(report.sound).toBe(false);
    expect(report.findings).toContainEqual(expect.objectContaining({ code: 'ENTRY_MISSING', index: 0 }));
    await world.release();
  });
});

describe('kill -9', () => {
  const child = fileURLToPath(new URL('./home-privacy-child.ts', import.meta.url));
  async function killed(folder: string, what: string, step: string, now: number): Promise<void> {
    const args = ['--conditions=@talosprotocol/source', child, join(root, folder, 'home'), join(root, folder, 'state'), what, step, String(now)];
    const running = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    running.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    expect(await new Promise((resolve) => running.on('close', (_code, signal) => resolve(signal))), errors).toBe('SIGKILL');
  }
  async function template(): Promise<Filled> {
    const world = await open('template');
    const filled = await fill(world, 600);
    await world.release();
    return filled;
  }
  let made: Promise<Filled> | undefined;
  async function copyTo(folder: string): Promise<Filled> {
    const filled = await (made ??= template());
    cpSync(join(root, 'template'), join(root, folder), { recursive: true });
    return filled;
  }

  for (const step of [
    'begin:before',
    'begin:during',
    'begin:after',
    'erase:before',
    'erase:during',
    'erase:after',
    'finish:before',
    'finish:during',
    'finish:after',
  ])
    it(`[PRIVACY-CRASH] a person is erased or not when the process dies at ${step}, and the next start completes it`, { timeout: 120_000 }, async () => {
      const folder = `erase-${step.replace(':', '-')}`;
      const { wanted, ada } = await copyTo(folder);
      await killed(folder, 'erase', step, start);
      const world = await open(folder);
      const report = await world.privacy.report();
      const isErased = report.purged.length === 1;
      if (step !== 'begin:during') expect(isErased).toBe(step !== 'begin:before');
      expect(report).toMatchObject({ underWay: false });
      expect((await world.log.openings(ada)).length === 0).toBe(isErased);
      const own = wanted.filter((_, i) => [0, 3, 6, 9, 12].includes(i));
      expect(found([world.dir, world.stateDir], own).length === 0).toBe(isErased);
      expect(await fsck(storeSource(homeStoreOf(world.dir)), { verifierKey: world.log.verifierKey })).toMatchObject({ sound: true });
      await world.release();
    });

  for (const step of ['begin:before', 'begin:after', 'prune:before', 'prune:during', 'prune:after', 'finish:after'])
    it(`[PRIVACY-CRASH] a prefix is pruned or not when the process dies at ${step}, and the next start completes it`, { timeout: 120_000 }, async () => {
      const folder = `prune-${step.replace(':', '-')}`;
      await copyTo(folder);
      const now = start + 10 * day;
      await killed(folder, 'prune', step, now);
      const world = await open(folder, now);
      const isPruned = step !== 'begin:before';
      expect(await world.privacy.report()).toMatchObject({ underWay: false, pruned: isPruned ? 512 : 0 });
      const report = await fsck(storeSource(homeStoreOf(world.dir)), { verifierKey: world.log.verifierKey });
      expect(report.sound).toBe(true);
      expect(report.findings.some(({ code }) => code === 'ENTRIES_PRUNED')).toBe(isPruned);
      expect(found([world.dir], [Buffer.from('"call":"c7"')]).length === 0).toBe(isPruned);
      await world.release();
    });
});
