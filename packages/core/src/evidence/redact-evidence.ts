/** Passing an evidence file on with less of it opened (docs/spec/10 §4). @module */
import { EvidenceError } from '../errors/evidence-error.ts';
import { requireObject } from '../errors/require.ts';
import { formatEvidence } from './format-evidence.ts';
import { parseEvidence } from './parse-evidence.ts';

export type RedactOptions = {
  /** Openings that stay: all others leave the file. Default: none. */
  readonly keep?: readonly { readonly origin: string; readonly index: number; readonly fields: readonly string[] }[];
};

/**
 * The same proofs with fewer openings. Nobody's signature is needed: what was opened is committed to and unseen again, and verifies as before.
 * @throws {@link EvidenceError} `TALOS_EVIDENCE_NOT_PROVABLE` if the file does not open what is to stay; as `parseEvidence`.
 */
export function redactEvidence(file: string | Uint8Array, options: RedactOptions = {}): string {
  requireObject('options', options);
  const kept = new Set((options.keep ?? []).flatMap(({ origin, index, fields }) => fields.map((field) => nameOf(origin, { index, field }))));
  const { logs, ...evidence } = parseEvidence(file);
  const redacted = logs.map((log) => ({ ...log, disclosures: log.disclosures.filter((opening) => kept.delete(nameOf(log.origin, opening))) }));
  const [missing] = kept;
  if (missing !== undefined) throw new EvidenceError({ code: 'TALOS_EVIDENCE_NOT_PROVABLE', message: `the file does not open ${missing.slice(0, 300)}` });
  return formatEvidence({ ...evidence, logs: redacted });
}

function nameOf(origin: string, { index, field }: { readonly index: number; readonly field: string }): string {
  return `${origin} ${index} ${field}`;
}
