/** The session rooms, composed. Imported when a session is first used, so that the package root loads none of them. @module */
import type { AuditLog } from '../audit/audit-log.ts';
import type { Env } from '../env/env.ts';
import { CapabilityError } from '../errors/capability-error.ts';
import type { Identity } from '../identity/identity.ts';
import { memoryTransport } from '../message/memory-transport.ts';
import type { MessageLog, MessageLogEntry } from '../message/message-log.ts';
import type { NewsHandler } from '../message/delivery.ts';
import { openMessenger, type Messenger } from '../message/messenger.ts';
import type { Transport, TransportFactory } from '../message/transport.ts';
import type { Home } from './home.ts';
import type { CheckpointGossipOptions } from './checkpoint-gossip.ts';
import { withDirectory, type DirectoryConversation } from './directory-conversation.ts';
import type { HomeState } from './home-state.ts';
import { RevocationExchange } from './revocation-news.ts';

export type ConversationParts = {
  readonly identity: Identity;
  readonly home: Home;
  readonly log: AuditLog;
  readonly env: Env;
  readonly state: HomeState;
  readonly transport: Transport | TransportFactory | undefined;
  readonly gossip: CheckpointGossipOptions | undefined;
  readonly onError: (error: unknown) => void;
};

/** `revocations`: what this agent took back, told and asked by message. */
export type Conversation = DirectoryConversation & { readonly revocations: RevocationExchange };

/** What clients without a transport of their own share: two agents of one process reach each other without set-up. */
let processTransport: Transport | undefined;

/** The messenger over the sessions of the agent's home; what it opened it closes. */
export async function openConversation(parts: ConversationParts): Promise<Conversation> {
  const { identity, home, log, env, state, transport, gossip: telling, onError } = parts;
  const own = typeof transport === 'function' ? transport({ identity, env, onError }) : undefined;
  const carrier = own ?? (transport as Transport | undefined) ?? (processTransport ??= memoryTransport());
  const { store, fence, close: closeSessions } = await home.sessions(identity.did);
  const closeTransport = async (): Promise<void> => {
    try {
      await own?.close?.();
    } finally {
      await closeSessions();
    }
  };
  try {
    const exchange = new RevocationExchange({
      revocations: state.revocations,
      context: { issuer: identity.did, signer: identity.signer },
      env,
      send: async (peer, news) => (await opening).sendNews(peer, news),
    });
    const onNews = newsHandler(exchange, onError);
    const gossip = telling && (await import('./checkpoint-gossip.ts')).checkpointGossip(log, env, telling);
    const rooms = { store, fence, transport: carrier, ...(gossip && { gossip }) };
    const opening: Promise<Messenger> = openMessenger({ identity, env, log: messageLog(identity, log), ...rooms, onError, onNews });
    return { ...withDirectory(await opening, { directory: carrier.directory, onError, closeTransport }), revocations: exchange };
  } catch (error) {
    await closeTransport();
    throw error;
  }
}

/** A list that is refused would be refused again: it is told, and done with. */
function newsHandler(exchange: RevocationExchange, onError: (error: unknown) => void): NewsHandler {
  return async (from, news) => {
    try {
      await exchange.receive(from, news);
    } catch (error) {
      if (!CapabilityError.isInstance(error)) throw error;
      onError(error);
    }
  };
}

/** The messenger's records as entries of this agent. */
function messageLog(identity: Identity, log: AuditLog): MessageLog {
  return {
    async append(record) {
      if ('repeated' in record && record.repeated && (await isRecorded(log, record))) return;
      await log.append(toEntry(identity, record));
    },
  };
}

function toEntry(identity: Identity, record: MessageLogEntry): Parameters<AuditLog['append']>[0] {
  const shared = { type: record.type, agent: identity.did, peer: record.peer, session: record.session, session_version: record.sessionVersion };
  if (record.type === 'session.open') return { ...shared, role: record.role, mode: record.mode };
  return { ...shared, message_hash: record.messageHash, frame_bytes: record.frameBytes };
}

/** After a crash between the entry and the send, the entry is there. With both ends in one log the other end's comes first: then a second one is written, which says the same. */
async function isRecorded(log: AuditLog, record: MessageLogEntry): Promise<boolean> {
  if (record.type === 'session.open') return false;
  const index = await log.find('message', record.messageHash);
  return index !== undefined && (await log.entry(index)).entry.type === record.type;
}
