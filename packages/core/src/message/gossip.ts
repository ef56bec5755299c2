/** What agents tell each other about their logs, in messages of the session's own: the messenger carries it and reads none of it. @module */
import type { AgentId } from '../identity/agent-id.ts';

export interface Gossip {
  /** What to tell this peer now, behind a message that goes to it anyway; undefined if there is nothing new. */
  next(peer: AgentId): Promise<Uint8Array | undefined>;
  /** What a peer told, of an authentic message. Throws on what is malformed. */
  receive(peer: AgentId, told: Uint8Array): Promise<void>;
}
