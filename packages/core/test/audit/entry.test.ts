import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commitTo, payloadBytes, verifyCommitment } from '../../src/audit/commitment.ts';
import { generateEntryId } from '../../src/audit/entry-id.ts';
import { encodeEntry, lookupKeys, parseEntry } from '../../src/audit/entry.ts';
import { Recorder, type EntryInput } from '../../src/audit/recorder.ts';
import { hashLeaf } from '../../src/audit/tree-hash.ts';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { systemEnv } from '../../src/env/env.ts';
import { caught, flipBit, hex, sha256Of } from './support.ts';

const base = { v: 1, type: 'config', id: 'x', time: '2026-11-22T00:00:00.000Z', recorder: 'r', recorder_seq: 0 } as const;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('entry', () => {
  it('[AUDIT-ENTRY-CANONICAL] entries are canonical JSON and their hash is the RFC 6962 leaf hash of exactly these bytes', () => {
    const { bytes, leafHash } = encodeEntry({ ...base, 'gen_ai.tool.name': 'é"\n', a: [1, true, { b: 'c' }] });
    expect(text(bytes)).toBe(
      '{"a":[1,true,{"b":"c"}],"gen_ai.tool.name":"é\\"\\n","id":"x","recorder":"r","recorder_seq":0,"time":"2026-11-22T00:00:00.000Z","type":"config","v":1}',
    );
    expect(leafHash).toBe(encodeBase64url(hashLeaf(bytes)));
    expect(leafHash).toBe(encodeBase64url(sha256Of(Uint8Array.of(0), bytes)));
  });

  it('[AUDIT-ENTRY-CANONICAL] any restricted JSON comes back as it was, unknown members too', () => {
    const leaf = fc.oneof(fc.string({ unit: 'grapheme' }), fc.boolean(), fc.maxSafeInteger());
    const value = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('node'), { maxLength: 3 }), fc.dictionary(fc.string({ maxLength: 8 }), tie('node'), { maxKeys: 3 })),
    })).node;
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ maxLength: 8 }).map((name) => `x${name}`),
          value,
        ),
        (members) => {
          const entry = { ...members, ...base } as never;
          const { bytes } = encodeEntry(entry);
          expect(canonicalJson(parseEntry(bytes))).toBe(text(bytes));
          expect(parseEntry(bytes)).toEqual(JSON.parse(JSON.stringify(entry)));
        },
      ),
      { seed: 20261122, numRuns: 300 },
    );
  });

  const refused: readonly (readonly [string, unknown])[] = [
    ['null', { ...base, a: null }],
    ['a fraction', { ...base, a: 0.5 }],
    ['an integer beyond 2^53', { ...base, a: 2 ** 53 }],
    ['NaN', { ...base, a: Number.NaN }],
    ['undefined inside', { ...base, a: { b: undefined } }],
    ['a hole', { ...base, a: new Array(1) }],
    ['a date', { ...base, a: new Date(0) }],
    ['a function', { ...base, a: () => 1 }],
    ['a lone surrogate', { ...base, a: '\ud800' }],
    ['an unknown type', { ...base, type: 'tool.requests' }],
    ['a type that Object has', { ...base, type: 'constructor' }],
    ['no type', { ...base, type: undefined }],
    ['another version', { ...base, v: 2 }],
    ['an empty id', { ...base, id: '' }],
    ['a long id', { ...base, id: 'x'.repeat(257) }],
    ['an id that is no string', { ...base, id: 7 }],
    ['a long call', { ...base, call: 'x'.repeat(257) }],
    ['a message hash of another type', { ...base, message_hash: ['x'] }],
    ['a negative sequence', { ...base, recorder_seq: -1 }],
    ['a time without milliseconds', { ...base, time: '2026-11-22T00:00:00Z' }],
    ['a month that there is not', { ...base, time: '2026-13-01T00:00:00.000Z' }],
    ['a day that there is not', { ...base, time: '2026-02-29T00:00:00.000Z' }],
    ['an hour that there is not', { ...base, time: '2026-11-22T24:00:00.000Z' }],
    ['a leap second', { ...base, time: '2026-12-31T23:59:60.000Z' }],
    ['a local time', { ...base, time: '2026-11-22T00:00:00.000+01:00' }],
    ['more than 65,535 bytes', { ...base, a: 'x'.repeat(65_500) }],
    ['depth above 16', { ...base, a: JSON.parse('['.repeat(17) + ']'.repeat(17)) }],
  ];
  it.each(refused)('[AUDIT-ENTRY-STRICT] refused at append: %s', async (_, entry) => {
    expect(await caught(() => encodeEntry(entry as never))).toMatchObject({ code: 'TALOS_AUDIT_BAD_ENTRY' });
  });

  it('[AUDIT-ENTRY-STRICT] exactly 65,535 bytes are taken', () => {
    const room = 65_535 - encodeEntry({ ...base, a: '' }).bytes.length;
    expect(encodeEntry({ ...base, a: 'x'.repeat(room) }).bytes.length).toBe(65_535);
    expect(() => encodeEntry({ ...base, a: 'x'.repeat(room + 1) })).toThrow(expect.objectContaining({ code: 'TALOS_AUDIT_BAD_ENTRY' }));
  });

  const malformed: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', new Uint8Array(0)],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff)],
    ['an array', bytesOf([base])],
    ['a text', bytesOf('x')],
    ['truncated', bytesOf(base).subarray(0, 40)],
    ['a duplicate name', Buffer.from(JSON.stringify(base).replace('{', '{"v":1,'))],
    ['a number that rounds', Buffer.from(JSON.stringify(base).replace('{', '{"a":9007199254740993,'))],
    ['null inside', bytesOf({ ...base, a: null })],
    ['too large', bytesOf({ ...base, a: 'x'.repeat(70_000) })],
    ['trailing bytes', Buffer.concat([bytesOf(base), Buffer.from('{}')])],
  ];
  it.each(malformed)('[AUDIT-ENTRY-STRICT] refused at reading: %s', async (_, bytes) => {
    expect(await caught(() => parseEntry(bytes))).toMatchObject({ code: 'TALOS_AUDIT_BAD_ENTRY' });
  });

  it('[AUDIT-FIND] keys are the id, the call under either name, and the message hash', () => {
    expect(lookupKeys({ ...base, call: 'c', message_hash: 'm' })).toEqual([
      { kind: 'id', key: 'x' },
      { kind: 'call', key: 'c' },
      { kind: 'message', key: 'm' },
    ]);
    expect(lookupKeys({ ...base, call: 'c', 'gen_ai.tool.call.id': 'c' })).toEqual([
      { kind: 'id', key: 'x' },
      { kind: 'call', key: 'c' },
    ]);
    expect(lookupKeys({ ...base, 'gen_ai.tool.call.id': 'd' })).toEqual([
      { kind: 'id', key: 'x' },
      { kind: 'call', key: 'd' },
    ]);
  });
});

describe('recorder', () => {
  const env = { ...systemEnv, now: () => 1_763_769_600_123.7 };
  const record = (recorder: Recorder, input: object) => {
    const recorded = recorder.record(input as EntryInput);
    return { ...recorded, entry: parseEntry(recorded.bytes) };
  };

  it('[AUDIT-RECORDER] numbers its entries without a gap and chains them by leaf hash', () => {
    const recorder = new Recorder(env);
    const entries = Array.from({ length: 5 }, () => record(recorder, { type: 'config' }));
    for (const [i, { entry }] of entries.entries()) {
      expect(entry.recorder_seq).toBe(i);
      expect(entry.recorder).toBe(entries[0]?.entry.recorder);
      expect(entry.recorder_prev).toBe(i === 0 ? undefined : encodeBase64url(entries[i - 1]?.leafHash as Uint8Array));
      expect(entry.time).toBe('2025-11-22T00:00:00.123Z');
    }
    expect(record(new Recorder(env), { type: 'config' }).entry.recorder).not.toBe(entries[0]?.entry.recorder);
  });

  it('[AUDIT-RECORDER] an entry that is refused takes no number', () => {
    const recorder = new Recorder(env);
    expect(() => recorder.record({ type: 'config', a: null })).toThrow();
    expect(record(recorder, { type: 'config' }).entry.recorder_seq).toBe(0);
  });

  it.each(['v', 'time', 'recorder', 'recorder_seq', 'recorder_prev', '__proto__'])('[AUDIT-RECORDER] %s is assigned and cannot be given', async (member) => {
    const input = JSON.parse(`{"type":"config","${member}":"x"}`) as EntryInput;
    expect(await caught(() => new Recorder(env).record(input))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[AUDIT-RECORDER] members that are undefined are left out, a given id is kept', () => {
    const { entry } = record(new Recorder(env), { type: 'config', agent: undefined, id: 'mine' });
    expect(Object.keys(entry)).toEqual(['id', 'recorder', 'recorder_seq', 'time', 'type', 'v']);
    expect(entry.id).toBe('mine');
  });

  it('[AUDIT-RECORDER] ids are UUIDv7 and sort by time', () => {
    const id = generateEntryId(env);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(1_763_769_600_123);
    expect(generateEntryId({ ...env, now: () => 1_763_769_600_124 }) > id).toBe(true);
  });
});

describe('commitment', () => {
  const env = systemEnv;
  const salt = new Uint8Array(32).fill(9);
  const opening = { field: 'args', salt, payload: payloadBytes({ b: 1, a: 'x' }) };

  it('[AUDIT-COMMIT] is SHA-256 over domain, field, NUL, salt and payload', () => {
    const wanted = sha256Of(Buffer.from('talos/commit/v1\0args\0'), salt, Buffer.from('{"a":"x","b":1}'));
    expect(hex(commitTo(opening))).toBe(hex(wanted));
    verifyCommitment({ ...opening, commitment: wanted });
  });

  it('[AUDIT-COMMIT] no other payload, salt or field opens it', async () => {
    const commitment = commitTo(opening);
    const others = [
      { field: 'result' },
      { salt: flipBit(salt, 3) },
      { payload: flipBit(opening.payload, 8) },
      { payload: new Uint8Array(0) },
      { commitment: flipBit(commitment, 1) },
      { commitment: new Uint8Array(0) },
    ];
    for (const other of others)
      expect(await caught(() => verifyCommitment({ ...opening, commitment, ...other }))).toMatchObject({ code: 'TALOS_AUDIT_COMMITMENT' });
  });

  it('[AUDIT-COMMIT] a field that could run into the salt, and a short salt, are refused', async () => {
    for (const field of ['', 'a\0b', 'A', '1a', 'a'.repeat(65), 'ä', '__proto__'])
      expect(await caught(() => commitTo({ ...opening, field }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    expect(await caught(() => commitTo({ ...opening, salt: new Uint8Array(16) }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[AUDIT-COMMIT] the entry holds commitments, never payload or salt; each salt is fresh', () => {
    const recorder = new Recorder(env);
    const secret = 'tell nobody';
    const salts = new Set<string>();
    for (const { bytes, openings } of [0, 1].map(() => recorder.record({ type: 'tool.request', commit: { args: { secret }, prompt: Buffer.from(secret) } }))) {
      const commit = parseEntry(bytes).commit as Record<string, string>;
      expect(text(bytes)).not.toContain(secret);
      expect(Object.keys(commit)).toEqual(['args', 'prompt']);
      for (const each of openings) {
        verifyCommitment({ ...each, commitment: Buffer.from(commit[each.field] as string, 'base64url') });
        expect(text(bytes)).not.toContain(encodeBase64url(each.salt));
        salts.add(hex(each.salt));
      }
    }
    expect(salts.size).toBe(4);
  });

  it('[AUDIT-COMMIT] too many commitments, payloads that are no plain JSON, and payloads above 16 MiB are refused', async () => {
    const recorder = new Recorder(env);
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`f${i}`, 'x']));
    expect(await caught(() => recorder.record({ type: 'config', commit: many }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_ENTRY' });
    expect(await caught(() => payloadBytes(new Map() as never))).toMatchObject({ code: 'TALOS_ENCODING_JSON' });
    expect(await caught(() => payloadBytes(new Uint8Array(16 * 1024 * 1024 + 1)))).toMatchObject({ code: 'TALOS_AUDIT_BAD_ENTRY' });
  });
});
