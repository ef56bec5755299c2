/** What is stamped: the text of the checkpoint, which is origin, size and root, and not the signatures that may be added to it later. @module */
import { formatCheckpoint, type Checkpoint } from '@talosprotocol/core/audit';

export function stampedText(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(formatCheckpoint(checkpoint));
}

export async function sha256(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)));
}
