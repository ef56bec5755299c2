/** Checks the receipts among the entries that a log proves: R, S and A are entries themselves (docs/spec/07 §7). @module */
import { claimOf } from './check-checkpoints.ts';
import type { ProvedEntry } from './check-entries.ts';
import { failed, notChecked, verified, type Claim, type Verdict } from './claim.ts';
import { agentKeysAt } from './key-epochs.ts';
import type { AgentHistories } from './check-histories.ts';
import { receiptsAtRest, type ReceiptFault, type RestingReceipt } from './receipts-at-rest.ts';

/** A receipt and the log that holds it. */
export type ProvedReceipt = RestingReceipt & { readonly origin: string };

export function checkReceipts(
  entries: readonly ProvedEntry[],
  agents: AgentHistories,
): { readonly claims: readonly Claim[]; readonly receipts: readonly ProvedReceipt[] } {
  const keysAt = agentKeysAt(agents);
  const claims: Claim[] = [];
  const receipts: ProvedReceipt[] = [];
  for (const origin of new Set(entries.map((entry) => entry.origin))) {
    const held = entries.filter((entry) => entry.origin === origin);
    const at = new Map(held.map((entry) => [entry.index, entry.at]));
    const read = receiptsAtRest(held, keysAt);
    for (const receipt of read.receipts) {
      receipts.push({ ...receipt, origin });
      if (receipt.state === 'observed') continue;
      const newest = Math.max(...[...receipt.parts.values()].map(({ index }) => index));
      const detail = `${receipt.tool} of ${receipt.callee}, called by ${receipt.caller}: ${receipt.state}`;
      claims.push({ ...claimOf('receipt', { at: at.get(newest) ?? '', origin }, verified(detail)), receipt: receipt.state });
    }
    for (const fault of read.faults) claims.push(claimOf('receipt', { at: at.get(fault.index) ?? '', origin }, verdictOf(fault)));
  }
  return { claims, receipts };
}

function verdictOf({ code, part, detail }: ReceiptFault): Verdict {
  const said = `the ${part} of a receipt: ${detail}`;
  if (code === 'PARTY_NOT_TRUSTED') return notChecked('AGENT_NOT_TRUSTED', said);
  // What it belongs to may be in the log and not in the file.
  if (code === 'PART_ALONE') return notChecked('RECEIPT_INCOMPLETE', said);
  if (code === 'PART_CONFLICTS') return failed('RECEIPT_CONFLICTS', said);
  return failed(code === 'SIGNATURE_REFUSED' ? 'RECEIPT_SIGNATURE_REFUSED' : 'RECEIPT_REFUSED', said);
}
