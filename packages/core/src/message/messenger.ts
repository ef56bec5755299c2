/**
 * The second hallway: client → session → frame → transport, and back (docs/spec/04 §6).
 *
 *     send:     contents → encrypt → commit (state, outbox) → record → transport → outbox row goes
 *     receive:  frame → decrypt → commit (state, inbox, prekey) → record → acknowledge → handler → inbox row goes
 *
 * A crash at any arrow leaves a row that the next start takes up: bytes are sent again, never encrypted again; a message is handed over
 * again, never opened again.
 * @module
 */
import { encodeBase64url } from '../bytes/base64url.ts';
import { systemEnv, type Env } from '../env/env.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { parseAgentId, type AgentId } from '../identity/agent-id.ts';
import type { Identity } from '../identity/identity.ts';
import { readBundleSigner, verifyPrekeyBundle } from '../identity/prekey-bundle.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import type { RollbackFence } from '../session/fence.ts';
import { initiateSession } from '../session/initiate.ts';
import type { SessionMode } from '../session/opening.ts';
import type { SessionStore } from '../session/session-store.ts';
import { Answers } from './answers.ts';
import { encodeContents } from './contents.ts';
import { Delivery, type ReceivedHandler, type RemoteHandler } from './delivery.ts';
import { Incoming, type Receipt } from './incoming.ts';
import type { MessageLog } from './message-log.ts';
import { Outgoing, type Sent } from './outgoing.ts';
import { issueBundle, type BundleOptions } from './own-prekeys.ts';
import { serialQueue, type SerialQueue } from './serial-queue.ts';
import { SessionTable } from './session-table.ts';
import type { Subscription, Transport } from './transport.ts';

export type { Receipt } from './incoming.ts';
export type { Received, ReceivedHandler, ReceivedRemote, RemoteHandler } from './delivery.ts';
export type { Sent } from './outgoing.ts';

export type MessengerOptions = {
  /** Who we are: signs bundles and handshakes, receives under its DID. */
  readonly identity: Identity;
  /** Sessions, prekeys, outbox, inbox. Several messengers of one agent may share it, also in several processes. */
  readonly store: SessionStore;
  readonly transport: Transport;
  /** Default: the machine's own. */
  readonly env?: Env;
  /** Default: nothing is recorded. */
  readonly log?: MessageLog;
  /** Outside of what a backup of `store` brings back. */
  readonly fence?: RollbackFence;
  /**
   * The key that speaks for a peer at this sequence of its history. Default: the key in its did:key, at sequence 0 only (first contact).
   * Rejects if there is none: the session is then refused.
   */
  readonly resolveKey?: (did: AgentId, historySequence: number) => Ed25519PublicKey | Promise<Ed25519PublicKey>;
  /** What fails where nobody waits: a refused frame, a handler that rejects, a resend. Never holds plaintext. */
  readonly onError?: (error: unknown) => void;
  /** Messages of a peer that can never be opened. */
  readonly onLost?: (loss: { readonly from: AgentId; readonly lost: number }) => void;
  /** Messages that the peer has taken in for good, by their ids. After a hundred of them, or a minute. */
  readonly onAcknowledged?: (acknowledgement: { readonly from: AgentId; readonly ids: readonly string[] }) => void;
  /** The peer sends from an older state than it had: its store was restored from a copy, or copied. It has to open a new session. */
  readonly onPeerRollback?: (rollback: { readonly from: AgentId; readonly session: string }) => void;
};

export interface Messenger {
  readonly did: AgentId;
  /** A signed prekey bundle for one peer, or without a one-time pair for a directory's last resort. */
  bundle(options?: BundleOptions): Promise<Uint8Array>;
  /**
   * Opens a session, and sends in it from now on; it replaces those before it, and what the peer has not acknowledged in them goes by it.
   * Otherwise nothing goes over the wire before the first `send`.
   * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_BUNDLE`; {@link StoreError}.
   */
  establishSession(peerDid: AgentId, bundle: Uint8Array, options?: { readonly mode?: SessionMode }): Promise<{ readonly session: string }>;
  /**
   * Resolves when the message is durable, recorded and handed to the transport, or durable and waiting for it (`queued`).
   * @throws {@link SessionError} `TALOS_SESSION_UNKNOWN`, `TALOS_SESSION_LIMIT`, `TALOS_SESSION_ROLLED_BACK`; {@link StoreError} if it was
   * not kept; the log's error if it could not be recorded: it then waits in the outbox and is sent once the log takes it.
   */
  send(peerDid: AgentId, content: string | Uint8Array): Promise<Sent>;
  /** As `send`, to the other end of remote calls, which `onMessage` never sees. */
  sendRemote(peerDid: AgentId, body: Uint8Array): Promise<Sent>;
  /** As `onMessage`, for what `sendRemote` sent. */
  onRemote(handler: RemoteHandler): () => void;
  /** The result takes the handler off again. Messages that came before the first handler wait for it. */
  onMessage(handler: ReceivedHandler): () => void;
  /**
   * Takes in a frame that came another way than by the transport.
   * @throws {@link SessionError} if it does not open: nothing has changed then.
   */
  receive(frame: Uint8Array): Promise<Receipt>;
  /** Stops receiving and waits for what is on its way. What is not done comes up at the next start. Idempotent. */
  close(): Promise<void>;
}

/** Takes up what an earlier run left in outbox and inbox, then receives. */
export async function openMessenger(options: MessengerOptions): Promise<Messenger> {
  const parts = compose(options);
  await parts.outgoing.resume();
  await parts.incoming.resume();
  parts.subscription = await options.transport.receive(options.identity.did, (frame) => takeIn(parts, frame));
  return messenger(parts);
}

type Parts = {
  readonly options: MessengerOptions;
  readonly env: Env;
  readonly table: SessionTable;
  readonly sessions: SerialQueue;
  readonly answers: Answers;
  readonly outgoing: Outgoing;
  readonly incoming: Incoming;
  readonly delivery: Delivery;
  readonly resolveKey: (did: AgentId, historySequence: number) => Promise<Ed25519PublicKey>;
  readonly onError: (error: unknown) => void;
  subscription: Subscription | undefined;
  closing: Promise<void> | undefined;
};

/** Wires the parts; nothing runs yet. */
function compose(options: MessengerOptions): Parts {
  const { identity, store, transport, log, env = systemEnv, onError = ignore, onLost = ignore } = options;
  const { onAcknowledged = ignore, onPeerRollback = ignore } = options;
  const table = new SessionTable({ store, fence: options.fence, env });
  const [sessions, wire] = [serialQueue(), serialQueue()];
  const delivery = new Delivery({ store, env, onError });
  const outgoing = new Outgoing({ table, store, transport, env, log, sessions, onError }, wire);
  const resolve = options.resolveKey ?? firstContactKey;
  const resolveKey = async (did: AgentId, sequence: number): Promise<Ed25519PublicKey> => resolve(did, sequence);
  const answer = (sessionId: string, contents: Uint8Array): void => void outgoing.answer(sessionId, contents).catch(onError);
  const answers = new Answers({ env, answer });
  const adopt = outgoing.adopt.bind(outgoing);
  const deliver = delivery.deliver.bind(delivery);
  const incoming = new Incoming({ identity, table, store, env, log, sessions, resolveKey, deliver, answers, adopt, onLost, onAcknowledged, onPeerRollback });
  return { options, env, table, sessions, answers, outgoing, incoming, delivery, resolveKey, onError, subscription: undefined, closing: undefined };
}

function messenger(parts: Parts): Messenger {
  const { options, env, outgoing, incoming, delivery, table } = parts;
  const open = <T>(run: () => Promise<T>): Promise<T> => (parts.closing === undefined ? run() : Promise.reject(closed()));
  return {
    did: options.identity.did,
    bundle: (choice) => open(() => issueBundle({ identity: options.identity, store: options.store, env }, choice)),
    establishSession: (peerDid, bundle, choice = {}) => open(() => establish(parts, { peerDid, bundle, mode: choice.mode })),
    send: (peerDid, content) =>
      open(async () => {
        const contents = encodeContent(content);
        return outgoing.send(await table.preferred(peerDid), { peer: peerDid, contents });
      }),
    sendRemote: (peerDid, body) =>
      open(async () => outgoing.send(await table.preferred(peerDid), { peer: peerDid, contents: encodeContents({ kind: 'remote', body }) })),
    onRemote: (handler) => delivery.addRemoteHandler(handler),
    onMessage: (handler) => delivery.addHandler(handler),
    receive: (frame) => open(() => incoming.receive(frame)),
    close: () => (parts.closing ??= close(parts)),
  };
}

type EstablishInput = { readonly peerDid: AgentId; readonly bundle: Uint8Array; readonly mode?: SessionMode | undefined };

/** The session is durable and recorded before it is preferred: a send that comes between goes by the session before it. */
async function establish(
  { options, env, table, sessions, outgoing, resolveKey, onError }: Parts,
  { peerDid, bundle, mode = 'accountable' }: EstablishInput,
): Promise<{ readonly session: string }> {
  const identityKey = await resolveKey(peerDid, readBundleSigner(bundle).historySequence);
  const verified = verifyPrekeyBundle(bundle, { expectedDid: peerDid, identityKey, now: env.now() });
  const before = await table.sending(peerDid);
  const state = await initiateSession({ own: options.identity, bundle: verified, mode, supersedes: before.at(-1)?.state.sessionId }, env);
  const { version, id } = await table.commit({ state, writes: {}, consumed: [] });
  await options.log?.append({ type: 'session.open', peer: peerDid, session: id, sessionVersion: version, role: 'initiator', mode });
  table.prefer(state);
  for (const old of before) await sessions.run(old.id, () => table.retire(old.id, 'replaced'));
  // What was not acknowledged in them goes by this one; if it cannot now, the next send tries again.
  await outgoing.adopt(id, peerDid).catch(onError);
  return { session: encodeBase64url(state.sessionId) };
}

/** The transport forgets what is refused for good: it would be refused again. What a store or a log could not take comes again. */
async function takeIn({ incoming, onError }: Parts, frame: Uint8Array): Promise<void> {
  try {
    await incoming.receive(frame);
  } catch (error) {
    onError(error);
    if (!TalosError.isInstance(error) || !refusals.has(error.code)) throw error;
  }
}

/** What no second try can change. Everything else, also what we did not foresee, waits in the mailbox. */
const refusals: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'TALOS_SESSION_AUTH_FAILED',
  'TALOS_SESSION_UNKNOWN',
  'TALOS_SESSION_BAD_HANDSHAKE',
  'TALOS_SESSION_WEAK_PEER_KEY',
]);

/** In this order: nothing new comes in, what was begun goes out, handlers end. */
async function close({ subscription, answers, outgoing, delivery }: Parts): Promise<void> {
  await subscription?.close();
  answers.answerAll();
  await outgoing.close();
  await delivery.close();
}

/** The key in the did:key is the key of sequence 0. After a rotation it is the one that was given up. */
function firstContactKey(did: AgentId, historySequence: number): Ed25519PublicKey {
  if (historySequence !== 0) throw new IdentityError({ code: 'TALOS_IDENTITY_BAD_HISTORY', message: 'the peer has rotated its key: pin its key history' });
  return parseAgentId(did);
}

function encodeContent(content: string | Uint8Array): Uint8Array {
  if (typeof content === 'string') return encodeContents({ kind: 'text', text: content });
  if (content instanceof Uint8Array) return encodeContents({ kind: 'data', data: content });
  throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'a message is a string or a Uint8Array' });
}

function closed(): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this messenger was closed: open a new one' });
}

function ignore(): void {}
