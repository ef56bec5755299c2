import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
import type { JsonValue } from '../../src/bytes/json-value.ts';
import { TalosError } from '../../src/errors/talos-error.ts';
import { verifyEvidence, type EvidenceReport } from '../../src/evidence/verify-evidence.ts';
import { fullEvidence, type Json } from './support.ts';

const places = process.env['TALOS_DEEP'] === '1' ? 300 : 12;
const numRuns = process.env['TALOS_DEEP'] === '1' ? 20_000 : 1500;

const { text, trust } = await fullEvidence();
const wanted = await verifyEvidence(text, trust);
const held = new Map(wanted.entries.map(({ index, entry, disclosed }) => [index, { entry, disclosed }]));

/** The report, or undefined if the file was refused with a code; anything else that is thrown fails the test. */
async function judged(file: string): Promise<EvidenceReport | undefined> {
  try {
    return await verifyEvidence(file, trust);
  } catch (error) {
    expect(TalosError.isInstance(error), String(error)).toBe(true);
    return undefined;
  }
}

/** Whatever a changed file still shows as true was true before. */
function expectSound(report: EvidenceReport): void {
  for (const { index, entry, disclosed } of report.entries) {
    expect(held.get(index)?.entry).toEqual(entry);
    for (const [field, payload] of disclosed) expect(held.get(index)?.disclosed.get(field)).toEqual(payload);
  }
}

type Leaf = { readonly path: readonly (string | number)[]; readonly value: string | number };
function leavesOf(value: Json, path: readonly (string | number)[] = []): Leaf[] {
  if (typeof value === 'string' || typeof value === 'number') return [{ path, value }];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member as Json, [...path, Array.isArray(value) ? Number(name) : name]));
}
const leaves = leavesOf(JSON.parse(text) as Json);
const nameOf = (path: readonly (string | number)[]): string =>
  path.reduce<string>((name, step) => (typeof step === 'number' ? `${name}[${step}]` : name === '' ? step : `${name}.${step}`), '');

function exchanged({ path }: Leaf, value: unknown): string {
  const root = JSON.parse(text) as Json;
  const holder = path.slice(0, -1).reduce<Json>((at, step) => at[step as string] as Json, root);
  holder[path.at(-1) as string] = value as Json;
  return canonicalJson(root as JsonValue);
}

/** Every byte of short fields, and some of long ones. */
function* changesOf({ value }: Leaf): Generator<string | number> {
  if (typeof value === 'number') {
    yield* [value + 1, value - 1, 0, value * 2 + 1].filter((each) => each !== value && each >= 0);
    return;
  }
  const isBase64 = /^[A-Za-z0-9+/]{8,}={0,2}$/.test(value) && value.length % 4 === 0;
  const length = isBase64 ? Buffer.from(value, 'base64').length : value.length;
  for (let at = 0; at < length; at += Math.max(1, Math.floor(length / places))) {
    if (isBase64) {
      const bytes = Buffer.from(value, 'base64');
      bytes[at]! ^= 1 << (at & 7);
      yield bytes.toString('base64');
    } else yield value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1);
  }
}

describe('a changed file', () => {
  it('[EVIDENCE-TAMPER] any changed byte of any field is found, and the claim that it belongs to is named', { timeout: 300_000 }, async () => {
    expect(leaves.length).toBeGreaterThan(80);
    for (const leaf of leaves) {
      const name = nameOf(leaf.path);
      for (const change of changesOf(leaf)) {
        const report = await judged(exchanged(leaf, change));
        if (report === undefined) continue;
        expect(report.verdict, `${name} changed to ${String(change).slice(0, 80)}`).not.toBe('verified');
        expectSound(report);
        const red = report.claims.filter(({ status }) => status !== 'verified').map(({ at }) => at.replace(/\.note line .*/, ''));
        // A changed origin is another log: every claim of it is red.
        expect(
          red.some((at) => name.startsWith(at) || name === 'logs[0].origin'),
          `${name}: ${red.join()}`,
        ).toBe(true);
      }
    }
  });

  it('[EVIDENCE-TAMPER] spliced anywhere the text is refused with a code, or shows nothing that was not so', { timeout: 300_000 }, async () => {
    const splice = fc.record({
      at: fc.nat({ max: text.length }),
      remove: fc.nat({ max: 8 }),
      insert: fc.string({ unit: fc.constantFrom(...'{}[]",:0123456789abAB+/=\\ '), maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(splice, { minLength: 1, maxLength: 3 }), async (edits) => {
        const changed = edits.reduce((each, { at, remove, insert }) => each.slice(0, at) + insert + each.slice(at + remove), text);
        const report = await judged(changed);
        if (report === undefined || changed === text) return;
        expect(report.verdict).not.toBe('verified');
        expectSound(report);
      }),
      { seed: 21, numRuns },
    );
  });

  it('[EVIDENCE-TAMPER] with any member exchanged for any JSON it is refused with a code, or shows nothing that was not so', { timeout: 300_000 }, async () => {
    expect(wanted.verdict).toBe('verified');
    const paths = fc
      .constantFrom(...leaves)
      .chain((leaf) => fc.integer({ min: 1, max: leaf.path.length }).map((length) => ({ path: leaf.path.slice(0, length), value: leaf.value })));
    await fc.assert(
      fc.asyncProperty(paths, fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(...leaves.map(({ value }) => value))), async (leaf, value) => {
        const report = await judged(exchanged(leaf, JSON.parse(JSON.stringify(value))));
        if (report !== undefined) expectSound(report);
      }),
      { seed: 22, numRuns },
    );
  });
});
