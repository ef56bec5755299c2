import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
import { evidenceBounds } from '../../src/evidence/evidence.ts';
import { formatEvidence } from '../../src/evidence/format-evidence.ts';
import { parseEvidence } from '../../src/evidence/parse-evidence.ts';
import { caught } from '../audit/support.ts';
import { edited, fullEvidence, type Json } from './support.ts';

const { text } = await fullEvidence();
const refused = async (file: string | Uint8Array): Promise<string> => {
  const { code, message } = await caught(() => parseEvidence(file));
  return `${code} ${message}`;
};
const root = JSON.parse(text) as Json;

describe('the form of an evidence file', () => {
  it('[EVIDENCE-CANONICAL] is written in one way: read and written again it is the same text', () => {
    expect(formatEvidence(parseEvidence(text))).toBe(text);
    const { logs, histories, foreign } = parseEvidence(text);
    const shuffled = logs.map((log) => ({
      ...log,
      entries: log.entries.toReversed(),
      ranges: log.ranges.toReversed(),
      checkpoints: log.checkpoints.toReversed(),
      disclosures: log.disclosures.toReversed(),
    }));
    expect(formatEvidence({ logs: shuffled, histories, foreign })).toBe(text);
  });

  it('[EVIDENCE-CANONICAL] any other text of the same content is refused', async () => {
    const variants = [
      JSON.stringify(root, undefined, 2),
      ` ${text}`,
      `${text}\n`,
      `\uFEFF${text}`,
      text.replace('"format"', '"\\u0066ormat"'),
      text.replace('"size":45', '"size":45.0'),
      text.replace('"size":45', '"size":4.5e1'),
      JSON.stringify(Object.fromEntries(Object.entries(root).toReversed())),
      text.replace('"index":2,', '"index":2,"index":2,'),
    ];
    for (const variant of variants) expect(await refused(variant)).toMatch(/^TALOS_EVIDENCE_MALFORMED /);
  });

  it('[EVIDENCE-CLOSED] a file that is cut off anywhere is refused', async () => {
    for (let length = 0; length < text.length; length += 1 + Math.floor(text.length / 400))
      expect(await refused(text.slice(0, length))).toMatch(/^TALOS_EVIDENCE_MALFORMED /);
    expect(await refused(new TextEncoder().encode(text).slice(0, -1))).toMatch(/^TALOS_EVIDENCE_MALFORMED /);
    expect(await refused(Uint8Array.of(0xff, 0xfe))).toMatch(/^TALOS_EVIDENCE_MALFORMED .*UTF-8/);
  });

  it('[EVIDENCE-CLOSED] a member more or fewer is refused everywhere, and the place is named', async () => {
    const objects = [
      'logs[0]',
      'logs[0].checkpoints[0]',
      'logs[0].entries[0]',
      'logs[0].ranges[0]',
      'logs[0].consistency[0]',
      'logs[0].disclosures[0]',
      'histories[0]',
      'histories[0].events[0]',
      'foreign[0]',
    ];
    for (const path of objects) {
      expect(await refused(edited(text, path, (value) => ({ ...value, more: 1 })))).toContain(
        `TALOS_EVIDENCE_MALFORMED evidence refused: ${path} does not have exactly`,
      );
      expect(await refused(edited(text, path, (value) => ({ ...value, __proto: 1 })))).toContain(path);
      for (const name of Object.keys(JSON.parse(canonicalJson(objectAt(path))) as object)) {
        expect(await refused(edited(text, path, (value) => Object.fromEntries(Object.entries(value).filter(([each]) => each !== name))))).toContain(
          `refused: ${path} does not`,
        );
        for (const wrong of [null, true, 1.5, -1, 2 ** 53, {}, [[]], 'é', ''])
          if (JSON.stringify(wrong) !== '""' || !['note', 'entry', 'payload', 'data', 'event', 'field', 'origin', 'did'].includes(name))
            expect(await refused(edited(text, `${path}.${name}`, () => wrong)).catch(() => `accepted ${path}.${name} = ${JSON.stringify(wrong)}`)).toMatch(
              accepts(name, wrong),
            );
      }
    }
    expect(await refused(canonicalJson({ ...root, more: 1 } as never))).toContain('refused: the file does not have exactly');
    for (const top of ['null', '[]', '7', '"x"', '{}']) expect(await refused(top)).toContain('TALOS_EVIDENCE_MALFORMED');
  });

  it('[EVIDENCE-CLOSED] another version is named as such', async () => {
    expect(await refused(canonicalJson({ ...root, format: 'talos/evidence/v2', news: [] } as never))).toContain('TALOS_EVIDENCE_VERSION');
  });

  it('[EVIDENCE-ONCE] nothing stands twice, in another order, or in two places', async () => {
    for (const path of [
      'logs',
      'logs[0].checkpoints',
      'logs[0].entries',
      'logs[0].ranges',
      'logs[0].consistency',
      'logs[0].disclosures',
      'histories',
      'foreign',
    ]) {
      expect(await refused(edited(text, path, (list) => [...list, list.at(-1)])), path).toContain('TALOS_EVIDENCE_MALFORMED');
      if ((objectAt(path) as unknown as unknown[]).length > 1)
        expect(await refused(edited(text, path, (list) => list.toReversed())), path).toContain('TALOS_EVIDENCE_MALFORMED');
    }
    expect(await refused(edited(text, 'logs[0].entries[1].index', () => 6))).toContain('logs[0].ranges[0] holds entry 6');
    expect(await refused(edited(text, 'logs[0].ranges[1].start', () => 8))).toContain('logs[0].ranges[1]');
    expect(await refused(edited(text, 'logs[0].ranges[1].end', () => 36))).toContain('logs[0].ranges[1] does not hold one entry for each index');
  });

  it('[EVIDENCE-BOUNDS] more than the bounds is refused before it is worked on', async () => {
    const hash = Buffer.alloc(32).toString('base64');
    const many = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
    const over: [string, unknown][] = [
      ['logs', many(evidenceBounds.logs + 1, () => 0)],
      ['logs[0].checkpoints', many(evidenceBounds.checkpoints + 1, () => 0)],
      ['logs[0].entries', many(evidenceBounds.entries + 1, () => 0)],
      ['logs[0].ranges', many(evidenceBounds.ranges + 1, () => 0)],
      ['logs[0].ranges[0].entries', many(evidenceBounds.rangeEntries + 1, () => 0)],
      ['logs[0].consistency', many(evidenceBounds.consistency + 1, () => 0)],
      ['logs[0].disclosures', many(evidenceBounds.disclosures + 1, () => 0)],
      ['logs[0].entries[0].proof', many(evidenceBounds.hashes + 1, () => hash)],
      ['histories', many(evidenceBounds.histories + 1, () => 0)],
      ['histories[0].events', many(evidenceBounds.events + 1, () => 0)],
      ['foreign', many(evidenceBounds.foreign + 1, () => 0)],
    ];
    for (const [path, value] of over)
      expect(await refused(edited(text, path, () => value)), path).toContain(`TALOS_EVIDENCE_LIMIT evidence refused: ${path} has more than`);
    expect(await refused(edited(text, 'foreign[0].data', () => Buffer.alloc(evidenceBounds.foreignBytes + 1).toString('base64')))).toContain('foreign[0].data');
    expect(await refused(edited(text, 'logs[0].entries[0].entry', () => Buffer.alloc(65_536).toString('base64')))).toContain('logs[0].entries[0].entry');
    expect(await refused(edited(text, 'logs[0].checkpoints[0].note', () => 'x'.repeat(evidenceBounds.note + 1)))).toContain('note');
    expect(await refused('['.repeat(100_000))).toContain('TALOS_EVIDENCE_MALFORMED');
    expect(await refused(new Uint8Array(evidenceBounds.text + 1))).toContain('TALOS_EVIDENCE_LIMIT');
    for (const wrong of [null, undefined, 7, {}]) expect(await caught(() => parseEvidence(wrong as never))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });
});

function objectAt(path: string): Json {
  return path
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .reduce((at, step) => at[step] as Json, root);
}

/** Members that take any text take a wrong one as well: it is the verifier that finds it. */
function accepts(name: string, wrong: unknown): RegExp {
  const isText = ['note', 'origin', 'did', 'event', 'field'].includes(name) && typeof wrong === 'string';
  const isEmptySignatures = name === 'signatures' && JSON.stringify(wrong) === '{}';
  return isText || isEmptySignatures ? /./ : /^TALOS_EVIDENCE_MALFORMED /;
}
