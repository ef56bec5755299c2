/** What remote calls need of messages: sealed, at least once, in the name of a peer that the session has authenticated. @module */
import type { AgentId } from '../identity/agent-id.ts';
import { encodeRemote, type RemoteMessage } from './remote-message.ts';

export interface RemoteWire {
  /** Resolves when the message is durable here. @throws {@link SessionError} `TALOS_SESSION_UNKNOWN` without a session. */
  send(peer: AgentId, body: Uint8Array): Promise<unknown>;
}

export type Say = (peer: AgentId, message: RemoteMessage) => Promise<void>;

export function sayOver(wire: RemoteWire): Say {
  return async (peer, message) => void (await wire.send(peer, encodeRemote(message)));
}
