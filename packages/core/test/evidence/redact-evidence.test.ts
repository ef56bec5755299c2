import { describe, expect, it } from 'vitest';
import { assembleEvidence } from '../../src/evidence/assemble-evidence.ts';
import { parseEvidence } from '../../src/evidence/parse-evidence.ts';
import { redactEvidence } from '../../src/evidence/redact-evidence.ts';
import { verifyEvidence } from '../../src/evidence/verify-evidence.ts';
import { caught } from '../audit/support.ts';
import { logOf, origin } from './support.ts';

describe('redactEvidence', () => {
  it('[PRIVACY-REDACT] openings that are not named leave the file with salt and payload, and the rest verifies', async () => {
    const log = await logOf(20);
    const fields = ['args'];
    const file = await assembleEvidence({ logs: [{ log, ranges: [{ start: 0, end: 10 }], disclose: [3, 4, 5].map((index) => ({ index, fields })) }] });
    const [gone] = parseEvidence(file).logs[0]?.disclosures ?? [];
    const redacted = redactEvidence(file, { keep: [{ origin, index: 4, fields }] });
    const report = await verifyEvidence(redacted, { logs: [log.verifierKey] });
    expect(report.verdict).toBe('verified');
    expect(parseEvidence(redacted).logs[0]?.disclosures.map(({ index }) => index)).toEqual([4]);
    for (const bytes of [gone?.salt, gone?.payload]) {
      const text = Buffer.from(bytes ?? []).toString('base64');
      expect(file).toContain(text);
      expect(redacted).not.toContain(text);
    }
    expect(parseEvidence(redactEvidence(file)).logs[0]?.disclosures).toEqual([]);
  });

  it('[PRIVACY-REDACT] what is to stay and is not there is refused', async () => {
    const log = await logOf(5);
    const file = await assembleEvidence({ logs: [{ log, entries: [1], disclose: [{ index: 1, fields: ['args'] }] }] });
    for (const keep of [
      { origin, index: 2, fields: ['args'] },
      { origin: 'other', index: 1, fields: ['args'] },
      { origin, index: 1, fields: ['result'] },
    ])
      expect(await caught(() => redactEvidence(file, { keep: [keep] }))).toMatchObject({ code: 'TALOS_EVIDENCE_NOT_PROVABLE' });
  });
});
