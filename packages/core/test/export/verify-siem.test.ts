import { describe, expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { assembleEvidence } from '../../src/evidence/assemble-evidence.ts';
import { verifyEvidence } from '../../src/evidence/verify-evidence.ts';
import { exportFormats } from '../../src/export/formats.ts';
import type { ExportFormat } from '../../src/export/record-format.ts';
import { verifySiem, type SiemReport } from '../../src/export/verify-siem.ts';
import { systemEnv } from '../../src/env/env.ts';
import { testSigner } from '../audit/support.ts';
import { check, hostileLog, textOf } from './support.ts';

const exported = await hostileLog();
const { log, source, verifierKey } = exported;
const codes = ({ findings }: SiemReport) => findings.map(({ code, index }) => `${code} ${index}`);

const lineFormats = exportFormats.filter((format) => !format.startsWith('otlp'));

describe('[EXPORT-SIEM] rows against the log', () => {
  it.each(exportFormats)('[EXPORT-SIEM] %s as it was written is sound, in any cut', async (format) => {
    const text = await textOf(exported, format);
    const bytes = new TextEncoder().encode(text);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => bytes.subarray(i * 7, i * 7 + 7));
    for (const rows of [[text], [bytes], pieces, [text.slice(0, 100), text.slice(100)]]) {
      const report = await verifySiem({ format, rows, against: { source, verifierKey } });
      expect(report.findings).toEqual([]);
      expect(report).toMatchObject({ sound: true, start: 0, end: log.size });
      expect(report.matched).toBe(format === 'otlp-spans' ? 15 : log.size);
    }
  });

  it.each(exportFormats)('[EXPORT-SIEM] %s: no changed character of a row passes', async (format) => {
    const window = { start: 4, end: 5 };
    const text = await textOf(exported, format, window);
    expect((await check(exported, text, { format, ...window })).sound).toBe(true);
    // What OTLP says of service and scope around its records is no part of a row.
    const first = { csv: '\r\n', 'otlp-logs': '"logRecords"', 'otlp-spans': '"spans"' }[format as string];
    const header = first === undefined ? 0 : text.indexOf(first) + 2;
    const passed: string[] = [];
    for (let at = header; at < text.length; at++) {
      const changed = `${text.slice(0, at)}${text[at] === '7' ? '8' : '7'}${text.slice(at + 1)}`;
      const { sound } = await check(exported, changed, { format, ...window });
      if (sound) passed.push(text.slice(Math.max(0, at - 30), at + 1));
    }
    // The tree size alone may be another that covers the entry.
    expect(passed.filter((before) => !/(?:size"?:"?|checkpoint","value":\{"intValue":"|"4","[0-9a-f]*",")2?.$/.test(before))).toEqual([]);
  });

  it.each(lineFormats)('[EXPORT-SIEM] %s: altered, missing, doubled and foreign rows are named by index', async (format) => {
    const text = await textOf(exported, format);
    const lines = text.split(/\r?\n/).filter(Boolean);
    const head = format === 'csv' ? 1 : 0;
    const row = (index: number) => lines[head + index] as string;
    const without = lines.filter((line) => line !== row(4) && line !== row(5) && line !== row(9));
    expect(codes(await check(exported, without.join('\n'), { format }))).toEqual(['ROW_MISSING 4', 'ROW_MISSING 9']);
    expect((await check(exported, without.join('\n'), { format })).findings[0]).toMatchObject({ index: 4, count: 2 });
    expect(codes(await check(exported, [...lines, row(6)].join('\n'), { format }))).toEqual(['ROW_DOUBLED 6']);
    const altered = text.replace('call-2', 'call-X');
    expect(altered).not.toBe(text);
    expect(codes(await check(exported, altered, { format }))).toEqual(['ROW_ALTERED 5']);
    const foreign = row(7).replaceAll('acme.example', 'evil.example');
    expect(codes(await check(exported, lines.map((line) => (line === row(7) ? foreign : line)).join('\n'), { format }))).toContain('ROW_MISSING 7');
    expect(codes(await check(exported, [...lines, 'no row at all'].join('\n'), { format }))).toEqual(['ROW_MALFORMED undefined']);
    expect(codes(await check(exported, [...lines.slice(0, head), ...lines.slice(head).toReversed()].join('\n'), { format }))).toEqual([]);
  });

  it('[EXPORT-SIEM] a column that was changed beside a right leaf hash is found, and a refusal that was made a permission', async () => {
    const refused = log.size - 3;
    const csv = await textOf(exported, 'csv');
    expect(codes(await check(exported, csv.replace('"deny"', '"allow"'), { format: 'csv' }))).toEqual([`ROW_ALTERED ${refused}`]);
    const ocsf = await textOf(exported, 'ocsf');
    expect(
      codes(await check(exported, ocsf.replace('"status":"Failure","status_code":"ARG', '"status":"Success","status_code":"ARG'), { format: 'ocsf' })),
    ).toEqual([`ROW_ALTERED ${refused}`]);
  });

  it('[EXPORT-SIEM] a member that stands twice, another format, bytes that are no text and an empty file are not sound', async () => {
    const text = await textOf(exported, 'jsonl');
    expect(codes(await check(exported, text.replace('"index":3,', '"index":3,"index":3,'), { format: 'jsonl' }))).toEqual([
      'ROW_MALFORMED undefined',
      'ROW_MISSING 3',
    ]);
    expect((await check(exported, text, { format: 'ocsf' })).sound).toBe(false);
    expect((await check(exported, '', { format: 'jsonl' })).findings).toMatchObject([{ code: 'ROW_MISSING', index: 0, count: log.size }]);
    const bytes = new TextEncoder().encode(text);
    bytes[40] = 0xff;
    expect((await verifySiem({ format: 'jsonl', rows: [bytes], against: { source, verifierKey } })).sound).toBe(false);
  });

  it('[EXPORT-SIEM] a collector may pack, order and space records otherwise', async () => {
    const text = await textOf(exported, 'otlp-logs');
    const request = JSON.parse(text) as { resourceLogs: [{ resource: unknown; scopeLogs: [{ scope: unknown; logRecords: unknown[] }] }] };
    const [{ resource, scopeLogs }] = request.resourceLogs;
    const [{ scope, logRecords }] = scopeLogs;
    const repacked = logRecords.toReversed().map((record) => JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record], scope }], resource }] }));
    expect((await check(exported, repacked.join('\n'), { format: 'otlp-logs' })).findings).toEqual([]);
    expect(codes(await check(exported, repacked.slice(1).join('\n'), { format: 'otlp-logs' }))).toEqual([`ROW_MISSING ${log.size - 1}`]);
  });

  it('[EXPORT-SIEM] entries that an evidence file proved are a measure too', async () => {
    const evidence = await assembleEvidence({ logs: [{ log, ranges: [{ start: 2, end: 8 }] }] });
    const { entries } = await verifyEvidence(evidence, { logs: [verifierKey] });
    const format: ExportFormat = 'cloudevents';
    const text = await textOf(exported, format, { start: 2, end: 8 });
    const against = { proved: entries };
    expect((await verifySiem({ format, rows: [text], against })).findings).toEqual([]);
    expect(codes(await verifySiem({ format, rows: [text.replace('call-1', 'call-9')], against }))).toEqual(['ROW_ALTERED 3']);
    expect(codes(await verifySiem({ format, rows: [await textOf(exported, format, { start: 2, end: 9 })], against }))).toEqual(['ROW_FOREIGN 8']);
    await expect(verifySiem({ format, rows: [text], against: { proved: [] } })).rejects.toMatchObject({ code: 'TALOS_EVIDENCE_NOT_PROVABLE' });
  });

  it('[EXPORT-SIEM] a database whose hashes were made anew judges no row', async () => {
    const store = memoryAuditStore();
    const other = await openAuditLog({ store, signer: testSigner(), origin: log.origin, env: systemEnv });
    for (let n = other.size; n < log.size; n += 1) await other.append({ type: 'config' });
    const forged = storeSource(store);
    const mixed = { ...forged, readCheckpoints: source.readCheckpoints };
    const rows = [
      await textOf(
        { log: other, source: { ...forged, readCheckpoints: async () => [{ size: log.size, note: await other.checkpoint() }] }, verifierKey },
        'jsonl',
      ),
    ];
    await expect(verifySiem({ format: 'jsonl', rows, against: { source: mixed, verifierKey } })).rejects.toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    await expect(textOf({ log: other, source: mixed, verifierKey }, 'jsonl')).rejects.toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
  });

  it('[EXPORT-STREAM] a window of spans finds requests that stand before it, and is what the whole file says', async () => {
    const whole = JSON.parse(await textOf(exported, 'otlp-spans')) as { resourceSpans: [{ scopeSpans: [{ spans: unknown[] }] }] };
    const window = JSON.parse(await textOf(exported, 'otlp-spans', { start: 6, end: 7 })) as typeof whole;
    expect(window.resourceSpans[0].scopeSpans[0].spans).toEqual([whole.resourceSpans[0].scopeSpans[0].spans[2]]);
  });
});
