/** Equality of what is public: hashes, entries, heads. @module */
import type { TreeHead } from '@talosprotocol/core/audit';

export function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function isSameHead(a: TreeHead, b: TreeHead): boolean {
  return a.size === b.size && isSameBytes(a.root, b.root);
}
