/**
 * What a relay keeps of an agent's key history: how far it goes, and where it ends. A history has up to 64 KiB and can never be forgotten, since
 * a key that was given up would speak again; each event names the one before it, so the last one stands for all (docs/spec/06 §4).
 * @module
 */
import { verifyKeyHistory, type KeyHistory } from '@talosprotocol/core/identity';
import type { ProvenAgent } from '@talosprotocol/core/web';

export type HistoryPin = {
  /** Of the last event, from 1: the key of a did:key needs no history. */
  readonly sequence: number;
  /** The hash of the last event, base64url. */
  readonly head: string;
};

/** Undefined if nothing is kept. A whole history is what earlier versions kept. */
export function decodePin(kept: Uint8Array): HistoryPin | undefined {
  if (kept.length === 0) return undefined;
  const read = decodeJson(kept) as KeyHistory | HistoryPin;
  if ('head' in read) return read;
  const { sequence, head } = verifyKeyHistory(read);
  return { sequence, head };
}

export function encodePin({ sequence, head }: HistoryPin): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ sequence, head }));
}

/** Whether what was proved goes as far as what is known, and over its head: not with fewer events, and not by another branch. */
export function reaches(
  { history }: ProvenAgent,
  { proved, known }: { readonly proved: HistoryPin | undefined; readonly known: HistoryPin | undefined },
): boolean {
  if (known === undefined) return true;
  if (proved === undefined || proved.sequence <= known.sequence) return proved?.sequence === known.sequence && proved.head === known.head;
  // Verified as a whole: what the next event names is the hash of the one before it.
  const next = (decodeJson(history) as KeyHistory)[known.sequence + 1];
  return next !== undefined && (JSON.parse(next.event) as { readonly previous: unknown }).previous === known.head;
}

/** Undefined while the key of the did:key is in force. */
export function pinOf({ historySequence: sequence, historyHead: head }: ProvenAgent): HistoryPin | undefined {
  return sequence === 0 || head === undefined ? undefined : { sequence, head };
}

function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
