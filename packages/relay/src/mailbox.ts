/** Taking a frame over for an agent that may be away (docs/spec/06 §5). @module */
import { isAgentId, type AgentId } from '@talosprotocol/core/identity';
import { hashFrame, maxFrameBytes } from '@talosprotocol/core/session';
import type { Hub } from './hub.ts';
import type { Outcome } from './outcome.ts';
import { contactLifeMs } from './relay-limits.ts';

export type Sending = { readonly from: AgentId; readonly to: AgentId; readonly frame: Uint8Array };

/** Writing to an agent makes it known: its answers do not compete with strangers'. Renewed daily, not with each frame. */
const contactRenewalMs = 24 * 3_600_000;

/** Durable when it resolves with `done`. */
export async function saveFrame(hub: Hub, { from, to, frame }: Sending): Promise<Outcome> {
  const outcome = await saveFrames(hub, { from, to, frames: [frame] });
  return typeof outcome === 'string' ? outcome : { type: 'done' };
}

/**
 * Takes as many as fit, and none behind the first that does not: what was sent in order stays in order. Durable when it resolves. The
 * frames are opaque: nothing here looks into them.
 */
export async function saveFrames(hub: Hub, { from, to, frames }: Omit<Sending, 'frame'> & { readonly frames: readonly Uint8Array[] }): Promise<Outcome> {
  const { database, env, limits, writes } = hub;
  const unfit = frames.findIndex(({ length }) => length === 0 || length > maxFrameBytes);
  if (unfit === 0) return frames[0]?.length === 0 ? 'malformed' : 'oversized';
  if (!(database.isKnown(to) || isAgentId(to))) return 'malformed';
  const rows = frames.slice(0, unfit < 0 ? frames.length : unfit).map((body) => ({ body, hash: hashFrame(body) }));
  const count = await writes.run(() => {
    const now = env.now();
    const [sender, mailbox] = [database.agent(from), database.agent(to)];
    if (!database.isContact(sender, mailbox, now - contactRenewalMs)) database.saveContact(sender, mailbox, now);
    const isKnown = database.isContact(mailbox, sender, now - contactLifeMs);
    const place = { mailbox, sender, expires: now + limits.frameLifeMs };
    return database.saveFrames({ ...place, rows }, isKnown ? sender : 0, isKnown ? limits.known : limits.strangers);
  });
  if (count === 0) return 'full';
  hub.wake(to);
  return { type: 'taken', count };
}
