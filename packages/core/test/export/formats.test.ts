import { Ajv2020 } from 'ajv/dist/2020.js';
import { CloudEvent } from 'cloudevents';
import { parse as parseCsv } from 'csv-parse/sync';
import root from '@opentelemetry/otlp-transformer/build/src/generated/root.js';
import { describe, expect, it } from 'vitest';
import { hashLeaf } from '../../src/audit/tree-hash.ts';
import { encodeHex } from '../../src/bytes/hex.ts';
import { sha256 } from '../../src/primitives/node.ts';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
import type { JsonObject } from '../../src/bytes/json-value.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { readLeaf } from '../../src/export/exported-leaf.ts';
import { exportFormats, openFormat } from '../../src/export/formats.ts';
import { hostile, hostileLog, origin, secret, textOf } from './support.ts';
import { ocsfSchema } from './ocsf-facts.ts';

const exported = await hostileLog();
const { log } = exported;
const lines = async (format: Parameters<typeof textOf>[1]): Promise<Record<string, never>[]> =>
  (await textOf(exported, format))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, never>);

describe('[EXPORT-FORMATS] what others read', () => {
  it('[EXPORT-FORMATS] JSON lines hold each entry, from which its leaf hash follows', async () => {
    const rows = await lines('jsonl');
    expect(rows.map(({ index }) => index)).toEqual(Array.from({ length: log.size }, (_, i) => i));
    for (const { entry, leafHash, origin: from } of rows) {
      expect(encodeHex(hashLeaf(encodeUtf8(canonicalJson(entry as unknown as JsonObject))))).toBe(leafHash);
      expect(from).toBe(origin);
    }
  });

  it.each(exportFormats)('[EXPORT-FORMATS] %s: an entry that another program signed over several lines is one record on one line, and two are none', (name) => {
    const format = openFormat(name);
    const entry = { v: 1, type: 'tool.result', id: 'a', time: '2026-01-01T00:00:00.000Z', recorder: 'r', recorder_seq: 0 } as const;
    const [here, there] = [canonicalJson(entry), JSON.stringify(entry, undefined, 2)].map((text) => {
      const leaf = { index: 4, bytes: encodeUtf8(text), leafHash: new Uint8Array(32).fill(7) };
      return format.write([format.record(readLeaf(origin, leaf), 9) ?? '']);
    });
    expect(there).toBe(here);
    expect(there?.trimEnd()).not.toMatch(/[\r\n]/);
    const two = encodeUtf8('{"v":1}},{"v":1}');
    expect(() => readLeaf(origin, { index: 4, bytes: two, leafHash: hashLeaf(two) })).toThrow(expect.objectContaining({ code: 'TALOS_AUDIT_BAD_ENTRY' }));
  });

  it('[EXPORT-FORMATS] csv-parse reads the CSV: one line per entry, whole entries in the last column', async () => {
    const text = await textOf(exported, 'csv');
    const rows: Record<string, string>[] = parseCsv(text, { columns: true });
    expect(rows).toHaveLength(log.size);
    expect(text.split('\r\n')).toHaveLength(log.size + 2);
    for (const [i, row] of rows.entries()) {
      expect(row['index']).toBe(String(i));
      expect(encodeHex(hashLeaf(encodeUtf8(canonicalJson(JSON.parse(row['entry'] ?? '') as JsonObject))))).toBe(row['leaf_hash']);
    }
  });

  it('[EXPORT-CSV-INJECTION] no cell begins a formula, and none holds a line break', async () => {
    const rows: string[][] = parseCsv(await textOf(exported, 'csv'), { from_line: 2 });
    const cells = rows.flat();
    for (const cell of cells) expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠]|[\p{Cc}\u2028\u2029]/u);
    expect(cells).toContain(`'${hostile[0]}`);
    expect(cells).toContain('smile 😀 ümlaut \u202Ertl');
  });

  it('[EXPORT-FORMATS] the protobuf schema of OTLP has every member of the logs and spans', async () => {
    const { logs, trace } = (root as unknown as OtlpRoot).opentelemetry.proto.collector;
    for (const [format, message] of [
      ['otlp-logs', logs.v1.ExportLogsServiceRequest],
      ['otlp-spans', trace.v1.ExportTraceServiceRequest],
    ] as const) {
      for (const line of await lines(format)) {
        const request = idsToBase64(line);
        const back = message.toObject(message.decode(message.encode(message.fromObject(request)).finish()), { longs: String, bytes: String });
        expect(back).toEqual(request);
      }
    }
  });

  it('[EXPORT-FORMATS] a span reaches from request to result, has the ids of its entry, and says how the call ended', async () => {
    const spans = (await lines('otlp-spans')).flatMap((line) => spansOf(line));
    expect(spans).toHaveLength(hostile.length + 2);
    const [first, second] = spans;
    expect(first).toMatchObject({ name: `execute_tool ${hostile[0]}`, status: { code: 1 } });
    expect(second).toMatchObject({ status: { code: 2 } });
    expect(JSON.stringify(first)).toContain('{"key":"talos.request.index","value":{"intValue":"1"}}');
    expect(spans.at(-1)).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' });
    expect(spans.at(-2)).toMatchObject({ status: { code: 2 } });
  });

  it('[EXPORT-FORMATS] OCSF events are API Activity 6003 with both profiles, and their fingerprint is their own', async () => {
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(ocsfSchema);
    for (const event of await lines('ocsf')) {
      expect(validate(event), JSON.stringify(validate.errors)).toBe(true);
      const { fingerprint, ...attestation } = event['attestation'] as unknown as { fingerprint: { value: string } };
      expect(encodeHex(sha256(encodeUtf8(canonicalJson({ ...event, attestation } as unknown as JsonObject))))).toBe(fingerprint.value);
    }
    expect(validate({ ...(await lines('ocsf'))[0], class_uid: 6004 })).toBe(false);
  });

  it('[EXPORT-FORMATS] the SDK of CloudEvents takes every event in strict mode', async () => {
    const seen = new Set<string>();
    for (const event of await lines('cloudevents')) {
      const read = new CloudEvent(event, true);
      expect(read.validate()).toBe(true);
      expect(read['talosorigin']).toBe(origin);
      seen.add(`${read.source} ${read.id}`);
    }
    expect(seen.size).toBe(log.size);
  });

  it('[EXPORT-NO-OPENINGS] no format holds a payload or a salt', async () => {
    const openings = (await Promise.all(Array.from({ length: log.size }, (_, i) => log.openings(i)))).flat();
    expect(openings.length).toBe(hostile.length);
    for (const format of exportFormats) {
      const text = await textOf(exported, format);
      expect(text).not.toContain(secret);
      for (const { salt } of openings)
        for (const written of [encodeHex(salt), Buffer.from(salt).toString('base64'), Buffer.from(salt).toString('base64url')])
          expect(text).not.toContain(written);
    }
  });

  it('[EXPORT-FORMATS] a format that does not exist and a window that is none are refused', async () => {
    await expect(textOf(exported, 'xml' as never)).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await expect(textOf(exported, '__proto__' as never)).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await expect(textOf(exported, 'jsonl', { start: 3, end: log.size + 1 })).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });
});

/** A message of the generated protobuf code, as far as it is used here. */
type Message = {
  fromObject(object: object): unknown;
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  toObject(message: unknown, options: object): unknown;
};
type OtlpRoot = {
  opentelemetry: { proto: { collector: { logs: { v1: { ExportLogsServiceRequest: Message } }; trace: { v1: { ExportTraceServiceRequest: Message } } } } };
};

/** OTLP writes trace and span ids in hex where protobuf's own JSON has base64. */
function idsToBase64(line: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(line), (key, value: unknown) =>
    ['traceId', 'spanId', 'parentSpanId'].includes(key) ? Buffer.from(value as string, 'hex').toString('base64') : value,
  ) as Record<string, unknown>;
}

function spansOf(line: unknown): unknown[] {
  return (line as { resourceSpans: { scopeSpans: { spans: unknown[] }[] }[] }).resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans),
  );
}
