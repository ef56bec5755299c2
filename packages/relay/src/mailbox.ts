/** Taking a frame over for an agent that may be away (docs/spec/06 §5). @module */
import { isAgentId, type AgentId } from '@talosprotocol/core/identity';
import { hashFrame, maxFrameBytes } from '@talosprotocol/core/session';
import type { Hub } from './hub.ts';
import type { Outcome } from './outcome.ts';
import { contactLifeMs } from './relay-limits.ts';

export type Sending = { readonly from: AgentId; readonly to: AgentId; readonly frame: Uint8Array };

/** Writing to an agent makes it known: its answers do not compete with strangers'. Renewed daily, not with each frame. */
const contactRenewalMs = 24 * 3_600_000;

/** Durable when it resolves with `done`. The frame is opaque: nothing here looks into it. */
export async function saveFrame(hub: Hub, { from, to, frame }: Sending): Promise<Outcome> {
  const { database, env, limits, writes } = hub;
  if (frame.length > maxFrameBytes) return 'oversized';
  if (frame.length === 0 || !(database.isKnown(to) || isAgentId(to))) return 'malformed';
  const hash = hashFrame(frame);
  const isKept = await writes.run(() => {
    const now = env.now();
    const [sender, mailbox] = [database.agent(from), database.agent(to)];
    if (!database.isContact(sender, mailbox, now - contactRenewalMs)) database.saveContact(sender, mailbox, now);
    const isKnown = database.isContact(mailbox, sender, now - contactLifeMs);
    const row = { mailbox, sender, hash, expires: now + limits.frameLifeMs, body: frame };
    return database.saveFrame(row, isKnown ? sender : 0, isKnown ? limits.known : limits.strangers);
  });
  if (!isKept) return 'full';
  hub.wake(to);
  return { type: 'done' };
}
