/** One stamp of a running log: signed, stamped, recorded. @module */
import { parseCheckpoint, type AuditLog } from '@talosprotocol/core/audit';
import type { ForeignEvidence } from '@talosprotocol/core/evidence';
import { sha256 } from './imprint.ts';
import { requestTimestamp, type TimestampRequest } from './request-timestamp.ts';
import type { Timestamp } from './verify-token.ts';

export type StampedCheckpoint = Timestamp & {
  /** For `assembleEvidence({ foreign: […] })`. Keep it: the log holds its hash, not the token. */
  readonly evidence: ForeignEvidence;
};

/**
 * Signs a checkpoint of everything durable, has it stamped and records that in the log as an `anchor` entry. A failure costs the stamp and
 * nothing else: no append waits for an authority.
 * @throws as `requestTimestamp`, and as `append` if the entry could not be written; the stamp is good even then.
 */
export async function stampCheckpoint(
  log: Pick<AuditLog, 'checkpoint' | 'append'>,
  authority: Omit<TimestampRequest, 'checkpoint'>,
): Promise<StampedCheckpoint> {
  const checkpoint = await log.checkpoint();
  const { origin, size } = parseCheckpoint(checkpoint);
  const { token, ...stamp } = await requestTimestamp({ ...authority, checkpoint });
  const hash = Array.from(await sha256(token), (byte) => byte.toString(16).padStart(2, '0')).join('');
  await log.append({ type: 'anchor', anchor: 'rfc3161', size, token: hash, stamped: stamp.time, authority: stamp.authority });
  return { ...stamp, evidence: { type: 'rfc3161', origin, size, data: token } };
}
