/** An evidence file of a client's own log: what was named, the histories of the agents in it, and what witnesses said (docs/spec/08 §3). Imported when one is made. @module */
import { hashBase64url } from '#suite';
import { parseCheckpoint } from '../audit/checkpoint.ts';
import { parseEntry } from '../audit/entry.ts';
import type { ProvingLog } from '../audit/log-reader.ts';
import { maxRangeEntries } from '../audit/range.ts';
import { AuditError } from '../errors/audit-error.ts';
import { assembleLog, type LogSelection } from '../evidence/assemble-evidence.ts';
import type { ForeignEvidence, HistoryEvidence, LogEvidence } from '../evidence/evidence.ts';
import { formatEvidence } from '../evidence/format-evidence.ts';
import type { Identity } from '../identity/identity.ts';
import type { KeyHistory } from '../identity/key-history.ts';
import type { Receipt } from '../receipt/receipt.ts';
import { receiptEntryId, receiptParts } from '../receipt/receipt-entry.ts';
import { checkOptions } from './client-options.ts';
import type { HomeState } from './home-state.ts';

export type EvidenceOptions = Pick<LogSelection, 'ranges' | 'disclose' | 'since' | 'cosigned'> & {
  /** Single entries: by index, or by the `entryId` of a guarded call. */
  readonly entries?: readonly (number | string)[];
  /** Of remote calls, as `call` gave them: all parts that the log holds. */
  readonly receipts?: readonly Receipt[];
  /** What somebody else says about a checkpoint: a time stamp. */
  readonly foreign?: readonly ForeignEvidence[];
};

type EvidenceParts = { readonly log: ProvingLog; readonly identity: Identity; readonly state: Pick<HomeState, 'trust'> };

const known = ['entries', 'ranges', 'receipts', 'disclose', 'since', 'cosigned', 'foreign'];

/** Leads to a checkpoint that witnesses cosigned, if one covers the selection; to the newest otherwise. */
export async function clientEvidence(parts: EvidenceParts, options: EvidenceOptions): Promise<string> {
  checkOptions('evidence', options, known);
  const { entries = [], receipts = [], ranges = [], foreign = [], ...rest } = options;
  const isAll = entries.length + receipts.length + ranges.length === 0;
  const { log } = parts;
  const selection = {
    ...rest,
    entries: [...(await indicesOf(log, entries)), ...(await receiptIndices(log, receipts))],
    // What is signed now is what there is: entries that come meanwhile are not in it.
    ranges: isAll ? windows(parseCheckpoint(await log.checkpoint()).size) : ranges,
  };
  const evidence = await assembleLog({ log, ...selection, ...(await witnessed(log, selection)) });
  return formatEvidence({ logs: [evidence], histories: await historiesIn(evidence, parts), foreign });
}

/** Entries behind it are not covered: a checkpoint of at least this size is. */
async function witnessed(
  log: ProvingLog,
  { entries, ranges, since = [], cosigned = [] }: Omit<LogSelection, 'log'>,
): Promise<Pick<LogSelection, 'cosigned' | 'upTo'>> {
  const indices = [...(entries ?? []).map((index) => index + 1), ...(ranges ?? []).map(({ end }) => end), ...since];
  const from = Math.max(1, ...indices, ...cosigned.map((note) => parseCheckpoint(note).size));
  const note = from > log.size ? undefined : await log.cosigned(from);
  return note === undefined ? {} : { cosigned: [...cosigned, note], upTo: parseCheckpoint(note).size };
}

async function indicesOf(log: ProvingLog, entries: readonly (number | string)[]): Promise<number[]> {
  return Promise.all(
    entries.map(async (entry) => {
      const index = typeof entry === 'string' ? await log.find('id', entry) : entry;
      if (index === undefined) throw new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message: 'no entry of this id is in the log' });
      return index;
    }),
  );
}

/** Of a receipt that was not recorded nothing is here. */
async function receiptIndices(log: ProvingLog, receipts: readonly Receipt[]): Promise<number[]> {
  const found = await Promise.all(
    receipts.map(async ({ request }) => {
      const indices = await Promise.all(receiptParts.map((part) => log.find('id', receiptEntryId(hashBase64url(request), part))));
      if (indices[0] === undefined) throw new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message: 'no call of this receipt is in the log' });
      return indices.filter((index) => index !== undefined);
    }),
  );
  return found.flat();
}

function windows(size: number): { readonly start: number; readonly end: number }[] {
  return Array.from({ length: Math.ceil(size / maxRangeEntries) }, (_, i) => ({ start: i * maxRangeEntries, end: Math.min(size, (i + 1) * maxRangeEntries) }));
}

/** Of agents that have rotated: of every other its DID is the key. */
async function historiesIn({ entries, ranges }: LogEvidence, { identity, state }: EvidenceParts): Promise<HistoryEvidence[]> {
  const named = new Set<unknown>();
  for (const bytes of [...entries.map(({ entry }) => entry), ...ranges.flatMap((range) => range.entries)]) {
    const { agent, peer } = parseEntry(bytes);
    named.add(agent).add(peer);
  }
  const histories = new Map<string, KeyHistory>();
  for (const { did, history } of [{ did: identity.did, history: identity.history }, ...(await state.trust.all())])
    if (named.has(did) && history.length > Math.max(1, histories.get(did)?.length ?? 0)) histories.set(did, history);
  return [...histories].map(([did, events]) => ({ did, events }));
}
