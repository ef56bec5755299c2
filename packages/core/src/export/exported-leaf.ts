/** One entry on its way out of the log, with what lets a row be checked against the log again (docs/spec/11 §1). @module */
import { encodeHex } from '../bytes/hex.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import type { Entry } from '../audit/entry.ts';
import { readEntry } from '../audit/read-entry.ts';
import type { SignedLeaf } from '../audit/signed-leaves.ts';
import { hashLeaf } from '../audit/tree-hash.ts';

export type ExportedLeaf = {
  /** Of the log, epoch and all. */
  readonly origin: string;
  readonly index: number;
  /** 64 lower-case hex digits. */
  readonly leafHash: string;
  readonly entry: Entry;
  /** The entry as canonical JSON. */
  readonly text: string;
};

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY`: what is no entry is exported in no format. */
export function readLeaf(origin: string, { index, bytes, leafHash }: SignedLeaf): ExportedLeaf {
  const { entry, text } = readEntry(bytes);
  return { origin, index, leafHash: encodeHex(leafHash), entry, text };
}

/** Of an entry that was proved and of which only the value is left. The log writes one form, so the bytes follow from it. */
export function leafOfEntry(entry: Entry, { origin, index }: { readonly origin: string; readonly index: number }): ExportedLeaf {
  const text = canonicalJson(entry);
  return { origin, index, leafHash: encodeHex(hashLeaf(encodeUtf8(text))), entry, text };
}

/** A text member of the entry; undefined if it is another kind of value. */
export function textMember(entry: Entry, name: string): string | undefined {
  const value = entry[name];
  return typeof value === 'string' ? value : undefined;
}

/** A text member of the entry's `policy`. */
export function policyMember({ policy }: Entry, name: string): string | undefined {
  const value = typeof policy === 'object' && policy !== null ? (policy as { readonly [member: string]: unknown })[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}
