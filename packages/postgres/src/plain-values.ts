/** Plain values as JSON text, with byte arrays: what processes of one log tell each other through a table that others may write. @module */
import { StoreError } from '@talosprotocol/core/errors';

/** Each object and each byte array is wrapped, so that no member of a value can be taken for a wrapper. */
export function encodePlain(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(wrap(value)));
}

/** @throws {@link StoreError} `TALOS_STORE_CORRUPT`. */
export function decodePlain(bytes: Uint8Array): unknown {
  try {
    return unwrap(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'the queue of the audit log holds a row that is not of Talos', cause });
  }
}

function wrap(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') };
  if (value === undefined) return { nothing: true };
  if (Array.isArray(value)) return value.map(wrap);
  if (typeof value !== 'object' || value === null) return value;
  return { members: Object.entries(value).map(([name, member]) => [name, wrap(member)]) };
}

function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  if (typeof value !== 'object' || value === null) return value;
  const { bytes, members, nothing } = value as { readonly bytes?: unknown; readonly members?: unknown; readonly nothing?: unknown };
  if (nothing === true) return undefined;
  if (typeof bytes === 'string') return new Uint8Array(Buffer.from(bytes, 'base64'));
  // From entries, which make own members of any name: `__proto__` is one like any other.
  return Object.fromEntries((members as [string, unknown][]).map(([name, member]) => [name, unwrap(member)]));
}
