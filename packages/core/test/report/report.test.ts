import { describe, expect, it } from 'vitest';
import { parse } from 'parse5';
import { marked } from 'marked';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { verifyRange } from '../../src/audit/range.ts';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { collectReport } from '../../src/report/collect-report.ts';
import { controls } from '../../src/report/controls.ts';
import { formatReportHtml } from '../../src/report/format-html.ts';
import { formatReportMarkdown } from '../../src/report/format-markdown.ts';
import { testSigner } from '../audit/support.ts';
import { cosigned, policy } from '../evidence/support.ts';
import { hostileLog } from '../export/support.ts';
import { fixedEnv } from './fixed-env.ts';

const day = 86_400_000;
const begin = Date.UTC(2026, 0, 1);

async function calls(log: AuditLog, count: number, options: { readonly answered?: boolean } = {}): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const shared = { agent: 'did:key:a', call: `${log.size}`, 'gen_ai.tool.name': 'read' };
    const { leafHash } = await log.append({ ...shared, type: 'tool.request', policy: { decision: 'allow' } });
    if (options.answered !== false) await log.append({ ...shared, type: 'tool.result', intent: encodeBase64url(leafHash), outcome: 'ok' });
  }
}

async function year() {
  const env = fixedEnv(begin);
  const store = memoryAuditStore();
  const open = () => openAuditLog({ store, signer: testSigner(), origin: 'acme.example/talos', env });
  const log = await open();
  await calls(log, 3);
  env.at(begin + day);
  await calls(log, 1, { answered: false });
  await log.append({ type: 'policy.decision', 'gen_ai.tool.name': 'wipe', policy: { decision: 'deny', code: 'ARG_VIOLATES' } });
  await log.append({ type: 'erasure', ref: 3, reason: 'request', authority: 'dpo' });
  await log.append({ type: 'retention', class: 'payload', days: 30 });
  await log.append({ type: 'key.bound', agent: 'did:key:a', kid: 'k' });
  await log.append({ type: 'capability.revoked', agent: 'did:key:a', cap: 'c' });
  await log.checkpoint();
  env.at(begin + 2 * day);
  // Opened again without a stop: a crash.
  const again = await open();
  await calls(again, 2);
  await again.append({ type: 'gap', gap: 'lost', lost: 7 });
  await again.checkpoint();
  return { log: again, source: storeSource(store), verifierKey: again.verifierKey };
}

const it1 = await year();

describe('[REPORT-FACTS] what is counted', () => {
  it('[REPORT-FACTS] counts by class of a policy what is met, held and overdue, at the day, and says when there is no policy', async () => {
    const hold = { id: 'h', reason: 'lawsuit', authority: 'court' };
    const classes = [
      { types: ['tool.request', 'tool.result'], minDays: 1, maxDays: 2, payloadDays: 1 },
      { types: ['erasure'], minDays: 3650 },
    ] as const;
    const retention = { policy: { classes, others: { minDays: 0, maxDays: 1 } }, holds: [{ ...hold, from: 1, to: 3 }], at: begin + 2 * day };
    const facts = await collectReport({ ...it1, retention });
    const of = (name: string) => facts.retentionClasses?.classes.find((each) => each.name === name);
    // Six of the first day are two days old, two of them held; one of the second day and four of the third are within two days.
    expect(of('tool.request, tool.result')).toMatchObject({ entries: 11, met: 5, withinMinimum: 4, held: { indices: [1, 2] }, payloadsDue: 7 });
    expect(of('tool.request, tool.result')?.overdue).toEqual({ count: 4, indices: [3, 4, 5, 6] });
    expect(of('erasure')).toMatchObject({ entries: 1, met: 1, withinMinimum: 1, overdue: { count: 0 }, payloadsDue: 0 });
    const counted = facts.retentionClasses?.classes.reduce((sum, { met, held, overdue }) => sum + met + held.count + overdue.count, 0);
    expect(counted).toBe(it1.log.size);
    const early = await collectReport({ ...it1, retention: { ...retention, at: begin + 2 * day - 1 } });
    expect(early.retentionClasses?.classes[0]).toMatchObject({ met: 9, withinMinimum: 5, overdue: { count: 0 } });
    const everything = await collectReport({ ...it1, retention: { ...retention, holds: [hold] } });
    expect(everything.retentionClasses?.classes.map(({ met, overdue }) => met + overdue.count)).toEqual([0, 0, 0]);
    expect(formatReportMarkdown(facts)).toContain('| tool.request, tool.result | 1 d | 2 d | 1 d | 11 | 5 | 4 | 2 | 4: entries 3, 4, 5, 6 | 7 |');
    expect(formatReportHtml(await collectReport(it1))).toContain('made without a retention policy');
    const impossible = { ...retention, policy: { others: { minDays: 2, maxDays: 1 } } };
    await expect(collectReport({ ...it1, retention: impossible })).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await expect(collectReport({ ...it1, retention: { ...retention, at: Number.NaN } })).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[REPORT-FACTS] counts population, coverage and listed events of the whole log, each with indices', async () => {
    const facts = await collectReport(it1);
    expect(facts).toMatchObject({
      origin: 'acme.example/talos',
      start: 0,
      end: it1.log.size,
      ranges: [{ start: 0, end: it1.log.size }],
      tools: [
        { tool: 'read', requested: 6, ok: 5, failed: 0, refused: 0 },
        { tool: 'wipe', requested: 0, ok: 0, failed: 0, refused: 1 },
      ],
      refusals: [{ code: 'ARG_VIOLATES', count: 1 }],
      requestsWithoutResult: { count: 1, indices: [7] },
      resultsWithoutRequest: { count: 0 },
      crashes: { count: 1, indices: [13] },
      lost: { count: 1, events: 7, indices: [18] },
      sequenceFaults: { count: 0 },
      witnesses: undefined,
    });
    expect(facts.erasures.entries).toMatchObject([{ index: 9, detail: '{"authority":"dpo","reason":"request","ref":3}' }]);
    expect(facts.retention.entries).toMatchObject([{ index: 10 }]);
    expect(facts.keyEvents.entries).toMatchObject([{ index: 11 }]);
    expect(facts.rights.entries).toMatchObject([{ index: 12 }]);
  });

  it('[REPORT-FACTS] a period is a window of indices, and its number of entries is what a range proof holds', async () => {
    const facts = await collectReport({ ...it1, from: begin + day, to: begin + 2 * day });
    expect(facts).toMatchObject({ start: 7, end: 13, requestsWithoutResult: { count: 1, indices: [7] }, crashes: { count: 0 } });
    const { entries, findings } = verifyRange(await it1.log.proveRange({ start: facts.start, end: facts.end, size: facts.checkpoint.size }), it1.verifierKey);
    expect(entries).toHaveLength(facts.end - facts.start);
    expect(findings).toEqual([]);
    expect(facts.types).toEqual(
      [...new Set(entries.map(({ type }) => type))].toSorted().map((type) => ({ type, count: entries.filter((entry) => entry.type === type).length })),
    );
    const empty = await collectReport({ ...it1, from: 0, to: begin });
    expect(empty).toMatchObject({ start: 0, end: 0, ranges: [], types: [] });
    for (const text of [formatReportHtml(empty), formatReportMarkdown(empty)]) expect(text).toContain('no entries');
  });

  it('[REPORT-FACTS] a call that is answered after the period is not unanswered', async () => {
    const env = fixedEnv(begin);
    const store = memoryAuditStore();
    const log = await openAuditLog({ store, signer: testSigner(), origin: 'a.example/b', env });
    const { leafHash } = await log.append({ type: 'tool.request', policy: { decision: 'allow' } });
    env.at(begin + day);
    await log.append({ type: 'tool.result', intent: encodeBase64url(leafHash), outcome: 'ok' });
    await log.checkpoint();
    const options = { source: storeSource(store), verifierKey: log.verifierKey };
    expect((await collectReport({ ...options, to: begin + day })).requestsWithoutResult.count).toBe(0);
    expect((await collectReport({ ...options, from: begin + day })).resultsWithoutRequest).toMatchObject({ count: 1, indices: [2] });
  });

  it('[REPORT-SIGNED] a log that is not the one that was signed gives no report', async () => {
    const { source, verifierKey } = it1;
    const changed = {
      ...source,
      readRows: async (start: number, end: number) =>
        (await source.readRows(start, end)).map(({ bytes }, i) => ({
          bytes: start + i === 8 ? new TextEncoder().encode(new TextDecoder().decode(bytes).replace('deny', 'allow')) : bytes,
          hashes: [],
        })),
    };
    await expect(collectReport({ source: changed, verifierKey })).rejects.toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    const other = (await hostileLog()).verifierKey.replace('acme.example', 'evil.example');
    await expect(collectReport({ source, verifierKey: other })).rejects.toMatchObject({ code: expect.stringMatching(/^TALOS_AUDIT_/) });
    await expect(collectReport({ ...it1, from: 5, to: 5 })).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[REPORT-WITNESS] the longest time without a witness is counted from verified cosignatures only', async () => {
    const env = fixedEnv(begin);
    const store = memoryAuditStore();
    const log = await openAuditLog({ store, signer: testSigner(), origin: 'acme.example/talos', env });
    const cosignedAt = 1_790_000_000_000;
    env.at(cosignedAt - 2 * day);
    await calls(log, 1);
    const first = await log.checkpoint();
    env.at(cosignedAt + 1000);
    await calls(log, 1);
    env.at(cosignedAt + 5000);
    await calls(log, 1);
    await log.checkpoint();
    const options = { source: storeSource(store), verifierKey: log.verifierKey, from: begin + 1 };
    const seen = await collectReport({ ...options, witnesses: { policy, notes: [await cosigned(first), first] } });
    expect(seen.witnesses).toMatchObject({ checkpoints: 1, refused: 1, longest: { start: 1, end: 3, milliseconds: 2 * day, ended: true } });
    const unseen = await collectReport({ ...options, witnesses: { policy, notes: [] } });
    expect(unseen.witnesses).toMatchObject({ checkpoints: 0, longest: { start: 1, end: log.size, milliseconds: 2 * day + 5000, ended: false } });
    const nobody = await collectReport({ ...options, witnesses: { policy: 'quorum none\n', notes: [first] } });
    expect(nobody.witnesses).toMatchObject({ checkpoints: 0, refused: 1, longest: { milliseconds: 2 * day + 5000, ended: false } });

    const lying = await openAuditLog({ store: memoryAuditStore(), signer: testSigner(), origin: 'acme.example/talos', env });
    await calls(lying, 1);
    const notes = [await cosigned(await lying.checkpoint())];
    await expect(collectReport({ ...options, witnesses: { policy, notes } })).rejects.toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
  });
});

describe('what is written', () => {
  it('[REPORT-ESCAPED] hostile names are text in HTML: no element, attribute or reference comes from the log', async () => {
    const plain = formatReportHtml(await collectReport(it1));
    const hostile = formatReportHtml(await collectReport(await hostileLog()));
    expect(tagsOf(hostile)).toEqual(tagsOf(plain));
    expect(hostile).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(hostile).toContain('smile 😀 ümlaut \\u202ertl');
    expect(hostile).not.toMatch(/<script|\u202e|https?:\/\/[^<]*["']\s*>/i);
    expect(hostile).not.toMatch(/ (?:src|href)="(?!#)/);
  });

  it('[REPORT-ESCAPED] hostile names are text in Markdown, as another renderer reads it', async () => {
    const html = await marked.parse(formatReportMarkdown(await collectReport(await hostileLog())), { gfm: true });
    expect([...new Set(tagsOf(html))].toSorted()).toEqual(
      ['a href', 'a id', 'body', 'h1', 'h2', 'head', 'html', 'li', 'p', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'].toSorted(),
    );
    expect(html).not.toMatch(/href="(?!#)/);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('[REPORT-PROOFS] every link leads to a proof in the same report, and every number has one', async () => {
    const html = formatReportHtml(await collectReport(it1));
    const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const targets = [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(targets.length).toBeGreaterThan(30);
    for (const target of targets) expect(ids).toContain(target);
    for (const [, row] of html.matchAll(/<tr>(.*?)<\/tr>/g)) if (/<td>\d+<\/td>/.test(row as string)) expect(row).toContain('href="#');
    for (const { proofs } of controls) for (const proof of proofs) expect(ids).toContain(proof);
  });

  it('[REPORT-LIMITS] every report says what it does not show, first of all, and each rule what it leaves open', async () => {
    const facts = await collectReport(it1);
    for (const text of [formatReportMarkdown(facts), formatReportHtml(facts)]) {
      expect(text.indexOf('What this report does not show')).toBeLessThan(text.indexOf('Population'));
      expect(text).toMatch(/outside the recorder/);
      expect(text).toMatch(/it does not prove what they say/);
      expect(text).toMatch(/without cosigned checkpoints/);
      expect(text).not.toMatch(/\b(?:compliant|complies|compliance|certif)/i);
    }
    for (const rule of [
      'CC6.1',
      'CC7.2',
      'CC7.3',
      'CC8.1',
      'A.6.2.8',
      '164.312(b)',
      '164.312(c)',
      '164.308(a)(1)(ii)(D)',
      'Article 12',
      'Article 19',
      'Article 26',
    ])
      expect(controls.filter((control) => control.rule.includes(rule) && control.leaves.length > 20)).toHaveLength(1);
  });
});

/** Every element that a browser makes of it, with the names of its attributes. */
function tagsOf(html: string): string[] {
  const tags: string[] = [];
  type Node = { readonly nodeName: string; readonly attrs?: readonly { readonly name: string }[]; readonly childNodes?: readonly unknown[] };
  const visit = (node: Node): void => {
    if (!node.nodeName.startsWith('#')) tags.push([node.nodeName, ...(node.attrs ?? []).map(({ name }) => name)].join(' '));
    for (const child of node.childNodes ?? []) visit(child as Node);
  };
  visit(parse(html) as unknown as Node);
  return [...new Set(tags)].toSorted();
}
