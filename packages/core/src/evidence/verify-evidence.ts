/**
 * Verifies an evidence file under the reader's trust: a verdict for each claim, no input but these two, no IO (docs/spec/08 §4). What the
 * reader did not give trust or a verifier for reads "not checked". @module
 */
import { checkCheckpoints } from './check-checkpoints.ts';
import { checkEntries, type ProvedEntry } from './check-entries.ts';
import { checkForeign } from './check-foreign.ts';
import { checkHistories } from './check-histories.ts';
import { checkReceipts, type ProvedReceipt } from './check-receipts.ts';
import type { Claim } from './claim.ts';
import { parseEvidence } from './parse-evidence.ts';
import { readTrust, type EvidenceTrust } from './trust.ts';

/** How much stands behind the newest checkpoint of a log, each level with all below it. */
export type LogLevel =
  /** A claim about this log failed. */
  | 'bad'
  /** The reader trusts no key of it, or the file has no checkpoint. */
  | 'unchecked'
  | 'signed'
  /** It continues what the reader saw last. */
  | 'consistent'
  /** The quorum of the reader's policy cosigned it, and it continues what the reader saw last, if he told of that. */
  | 'witnessed';

export type EvidenceReport = {
  /** `verified`: every claim is. `failed`: at least one is not true. `incomplete`: none failed, and not all were checked, or there is none. */
  readonly verdict: 'verified' | 'failed' | 'incomplete';
  readonly claims: readonly Claim[];
  readonly logs: readonly { readonly origin: string; readonly size: number; readonly level: LogLevel }[];
  /** What the logs hold, as far as it was proved; nothing else of the file is to be shown as true. */
  readonly entries: readonly ProvedEntry[];
  /** Of calls between agents, among these entries; their signatures verified under the agents that the reader trusts. */
  readonly receipts: readonly ProvedReceipt[];
};

/**
 * @param file - the text of the file, or its bytes.
 * @param trust - what the reader trusts; nothing of it comes from the file.
 * @throws {@link EvidenceError} `TALOS_EVIDENCE_MALFORMED`, `_VERSION`, `_LIMIT` if the file cannot be read at all.
 * @throws {@link UsageError}, {@link AuditError} or {@link IdentityError} if `trust` is not what it should be.
 */
export async function verifyEvidence(file: string | Uint8Array, trust: EvidenceTrust): Promise<EvidenceReport> {
  const trusted = readTrust(trust);
  const evidence = parseEvidence(file);
  const claims: Claim[] = [];
  const entries: ProvedEntry[] = [];
  const checkedLogs = evidence.logs.map((log, i) => {
    const at = `logs[${i}]`;
    const checked = checkCheckpoints({ log, at, trust: trusted });
    const held = checkEntries({ log, at, trust: trusted, checked });
    for (const claim of checked.claims) claims.push(claim);
    for (const claim of held.claims) claims.push(claim);
    for (const entry of held.entries) entries.push(entry);
    return { log, heads: checked.heads };
  });
  const histories = checkHistories(evidence.histories, trusted);
  claims.push(...histories.claims);
  const receipts = checkReceipts(entries, histories.agents);
  for (const claim of receipts.claims) claims.push(claim);
  claims.push(...(await checkForeign(evidence.foreign, { logs: checkedLogs, trust: trusted })));
  const logs = checkedLogs.map(({ log: { origin, checkpoints } }, i) => ({
    origin,
    size: checkpoints.at(-1)?.size ?? 0,
    level: levelOf(
      claims.filter((claim) => claim.origin === origin),
      `logs[${i}].checkpoints[${checkpoints.length - 1}]`,
    ),
  }));
  return { verdict: overall(claims), claims, logs, entries, receipts: receipts.receipts };
}

function overall(claims: readonly Claim[]): EvidenceReport['verdict'] {
  if (claims.some(({ status }) => status === 'failed')) return 'failed';
  return claims.length > 0 && claims.every(({ status }) => status === 'verified') ? 'verified' : 'incomplete';
}

function levelOf(claims: readonly Claim[], newest: string): LogLevel {
  if (claims.some(({ status }) => status === 'failed')) return 'bad';
  const holds = (kind: Claim['kind'], at?: string): boolean =>
    claims.some((claim) => claim.kind === kind && claim.status === 'verified' && (at === undefined || claim.at === at));
  if (!holds('checkpoint', newest)) return 'unchecked';
  // A fork is signed and can be cosigned by witnesses that never saw the other one: what the reader saw has to be below whatever stands above it.
  if (claims.some(({ kind, status }) => kind === 'last-seen' && status !== 'verified')) return 'signed';
  if (holds('witnessed', newest)) return 'witnessed';
  return holds('last-seen') ? 'consistent' : 'signed';
}
