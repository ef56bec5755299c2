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
import { requireUint8Array } from '../errors/require.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Identity } from '../identity/identity.ts';
import type { KeyHistory } from '../identity/key-history.ts';
import { Peers } from '../identity/peers.ts';
import { memoryTrustStore } from '../identity/trust-store.ts';
import { readBundleSigner, verifyPrekeyBundle } from '../identity/prekey-bundle.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import type { RollbackFence } from '../session/fence.ts';
import { initiateSession } from '../session/initiate.ts';
import { clockSkewMs } from '../session/limits.ts';
import type { SessionMode } from '../session/opening.ts';
import type { SessionStore } from '../session/session-store.ts';
import { Answers } from './answers.ts';
import { encodeContents, type RevocationNews } from './contents.ts';
import { Delivery, type NewsHandler, type ReceivedHandler, type RemoteHandler } from './delivery.ts';
import type { Gossip } from './gossip.ts';
import { Incoming, isRefusal } from './incoming.ts';
import { decodeHistory, encodeHistory, introduce, introducingTransport, readIntroduction, type Introduced } from './introduction.ts';
import type { MessageLog } from './message-log.ts';
import { maxKeptMs, Outgoing, type Sent } from './outgoing.ts';
import { issueBundle, type BundleOptions } from './own-prekeys.ts';
import { Renewals } from './renewal.ts';
import type { Receipt, Taking } from './receipt.ts';
import { serialQueue, type SerialQueue } from './serial-queue.ts';
import { SessionTable, type LiveSession } from './session-table.ts';
import type { Subscription, Transport } from './transport.ts';

export type { Receipt } from './receipt.ts';
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
  /** What agents tell each other about their logs. Default: nothing. */
  readonly gossip?: Gossip;
  /** What is known of the keys of peers, and kept of those that are met. In place of `resolveKey`. */
  readonly peers?: Peers;
  /** Finds a bundle of a peer when a session with it is over. */
  readonly fetchBundle?: (peer: AgentId) => Promise<Uint8Array>;
  /** What fails where nobody waits: a refused frame, a handler that rejects, a resend. Never holds plaintext. */
  readonly onError?: (error: unknown) => void;
  /** What a peer says of revocations, or asks. Default: it is opened and not handed over. */
  readonly onNews?: NewsHandler;
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
  /** As `send`, for the peer's agent and not for its user. */
  sendNews(peerDid: AgentId, news: RevocationNews): Promise<Sent>;
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
  /**
   * Tells every peer that has a session and does not know it yet of the identity's newest key event. At the start, too, so that a crash
   * after a rotation is made up for.
   * @returns How many were told now.
   */
  announceKeys(history?: KeyHistory): Promise<number>;
  /** Stops receiving and waits for what is on its way. What is not done comes up at the next start. Idempotent. */
  close(): Promise<void>;
}

const sweepEveryMs = 24 * 3_600_000;

/** Takes up what an earlier run left in outbox and inbox, then receives. */
export async function openMessenger(options: MessengerOptions): Promise<Messenger> {
  const parts = compose(options);
  await parts.outgoing.resume();
  await parts.incoming.resume();
  keepSwept(parts);
  parts.subscription = await subscribe(parts);
  return messenger(parts);
}

type Parts = {
  readonly options: MessengerOptions;
  readonly env: Env;
  readonly peers: Peers;
  readonly transport: Transport;
  readonly table: SessionTable;
  readonly sessions: SerialQueue;
  readonly answers: Answers;
  readonly outgoing: Outgoing;
  readonly incoming: Incoming;
  readonly delivery: Delivery;
  readonly renewals: Renewals;
  readonly resolveKey: (did: AgentId, historySequence: number, offered?: KeyHistory) => Promise<Ed25519PublicKey>;
  readonly onError: (error: unknown) => void;
  subscription: Subscription | undefined;
  closing: Promise<void> | undefined;
  cancelSweep: () => void;
};

/** Wires the parts; nothing runs yet. */
function compose(options: MessengerOptions): Parts {
  const { identity, store, log, env = systemEnv, onError = ignore, onLost = ignore } = options;
  const { onAcknowledged = ignore, onPeerRollback = ignore } = options;
  const peers = options.peers ?? new Peers({ owner: identity.did, store: memoryTrustStore(), env });
  const table = new SessionTable({ store, fence: options.fence, env });
  const [sessions, wire] = [serialQueue(), serialQueue()];
  const delivery = new Delivery({ store, env, onError, onNews: options.onNews });
  const transport = introducingTransport(options.transport, identity);
  const outgoing = new Outgoing({ table, store, transport, env, log, sessions, onError }, wire);
  const { resolveKey: resolve } = options;
  const resolveKey: Parts['resolveKey'] = async (did, sequence, offered) =>
    resolve === undefined ? peers.resolveKey(did, sequence, offered) : resolve(did, sequence);
  const sendAside = (sessionId: string, contents: Uint8Array): void => void outgoing.answer(sessionId, contents).catch(onError);
  const renewals: Renewals = new Renewals({
    table,
    peers,
    env,
    sendAside,
    onError,
    fetchBundle: options.fetchBundle,
    issueBundle: (validUntil) =>
      issueBundle(
        {
          identity,
          store,
          env,
        },
        { validUntil },
      ),
    establish: (peerDid, fresh) =>
      establish(parts, {
        peerDid,
        bundle: fresh,
      }),
  });
  const answer = (sessionId: string, contents: Uint8Array): void => {
    sendAside(sessionId, contents);
    renewals.offer(sessionId).catch(onError);
  };
  const answers = new Answers({ env, answer });
  const adopt = outgoing.adopt.bind(outgoing);
  const deliver = delivery.deliver.bind(delivery);
  const learn = peers.learn.bind(peers);
  const requireUsable = peers.requireUsable.bind(peers);
  const onTold = (from: AgentId, told: Uint8Array): void => void options.gossip?.receive(from, told).catch(onError);
  const reports = { onError, onLost, onAcknowledged, onPeerRollback, onTold };
  const keys = { resolveKey, learn, requireUsable, keepBundle: peers.keepBundle.bind(peers) };
  const incoming = new Incoming({ identity, table, store, env, log, sessions, deliver, answers, adopt, ...keys, ...reports });
  const rooms = { transport, table, sessions, answers, outgoing, incoming, delivery, renewals };
  const parts: Parts = { options, env, peers, ...rooms, resolveKey, onError, subscription: undefined, closing: undefined, cancelSweep: ignore };
  return parts;
}

function messenger(parts: Parts): Messenger {
  const { options, incoming, delivery } = parts;
  const open = <T>(run: () => Promise<T>): Promise<T> => (parts.closing === undefined ? run() : Promise.reject(closed()));
  return {
    did: options.identity.did,
    bundle: (choice) => open(() => bundle(parts, choice)),
    establishSession: (peerDid, bundle, choice = {}) => open(() => establish(parts, { peerDid, bundle, mode: choice.mode })),
    send: (peerDid, content) =>
      open(async () => {
        const sent = await sendTo(parts, { peer: peerDid, contents: encodeContent(content) });
        void tell(parts, peerDid);
        return sent;
      }),
    sendNews: (peerDid, news) => open(() => sendTo(parts, { peer: peerDid, contents: encodeContents(news) })),
    sendRemote: (peerDid, body) => open(() => sendTo(parts, { peer: peerDid, contents: encodeContents({ kind: 'remote', body }) })),
    onRemote: (handler) => delivery.addRemoteHandler(handler),
    onMessage: (handler) => delivery.addHandler(handler),
    receive: (frame) => open(() => incoming.receive(frame)),
    announceKeys: (history = options.identity.history) => open(() => announceKeys(parts, history)),
    close: () => (parts.closing ??= close(parts)),
  };
}

/** Behind the user's message, and never in its way. */
async function tell({ options, table, outgoing, onError }: Parts, peer: AgentId): Promise<void> {
  try {
    const told = await options.gossip?.next(peer);
    if (told !== undefined) await outgoing.answer(await table.preferred(peer), encodeContents({ kind: 'checkpoint', told }));
  } catch (error) {
    onError(error);
  }
}

type SendInput = { readonly peer: AgentId; readonly contents: Uint8Array };

/** A session that sends no more is followed by a new one, if there is a bundle for it; what was not sent goes by that one. */
async function sendTo({ peers, outgoing, renewals, table }: Parts, input: SendInput): Promise<Sent> {
  await peers.requireUsable(input.peer);
  const sessionId = await table.preferred(input.peer);
  try {
    return await outgoing.send(sessionId, input);
  } catch (error) {
    if (!(await renewals.mend(input.peer, sessionId, error))) throw error;
    return outgoing.send(await table.preferred(input.peer), input);
  }
}

/** In the session itself: what comes in it is the peer's own word, and proves itself besides. A peer without a session is told by the next opening. */
async function announceKeys({ peers, table, outgoing, onError }: Parts, history: KeyHistory): Promise<number> {
  const contents = encodeContents({ kind: 'keys', history: encodeHistory(history) });
  let told = 0;
  for (const peer of await peers.untold(history.length - 1)) {
    const sessionId = (await table.sending(peer)).at(-1)?.id;
    if (sessionId === undefined) continue;
    // A session that is over tells nobody: the next one's opening does.
    await outgoing.answer(sessionId, contents).catch(onError);
    await peers.markTold(peer, history.length - 1);
    told++;
  }
  return told;
}

/** At the start and once a day: what nobody acknowledged in a week or took over, and what the fence remembers of sessions that cannot send any more. */
function keepSwept(parts: Parts): void {
  const { options, env, outgoing, onError } = parts;
  const sweep = async (): Promise<void> => {
    await options.store.removeKeptBefore(env.now() - maxKeptMs);
    await options.fence?.sweep?.();
  };
  parts.cancelSweep = env.after(sweepEveryMs, () => {
    keepSwept(parts);
    outgoing.sweep();
  });
  sweep().catch(onError);
}

type EstablishInput = { readonly peerDid: AgentId; readonly bundle: Uint8Array; readonly mode?: SessionMode | undefined };

/** The session is durable and recorded before it is preferred: a send that comes between goes by the session before it. */
async function establish(
  { options, env, peers, table, sessions, outgoing, resolveKey, onError }: Parts,
  { peerDid, bundle, mode = 'accountable' }: EstablishInput,
): Promise<{ readonly session: string }> {
  const { history, body } = readBundle(bundle);
  const offered = history && decodeHistory(history);
  const identityKey = await resolveKey(peerDid, readBundleSigner(body).historySequence, offered);
  const verified = verifyPrekeyBundle(body, { expectedDid: peerDid, identityKey, now: env.now() });
  await peers.learn(peerDid, { history: offered, agreementKey: verified.agreementKey });
  const before = await table.sending(peerDid);
  const opening = { own: options.identity, bundle: verified, mode, supersedes: before.at(-1)?.state.sessionId, openedAt: openedAfter(before, env.now()) };
  const state = await initiateSession(opening, env);
  const { version, id } = await table.commit({ state, writes: {}, consumed: [] });
  await options.log?.append({ type: 'session.open', peer: peerDid, session: id, sessionVersion: version, role: 'initiator', mode });
  table.prefer(state);
  for (const old of before) await sessions.run(old.id, () => table.retire(old.id, 'replaced'));
  // What was not acknowledged in them goes by this one; if it cannot now, the next send tries again.
  await outgoing.adopt(id, peerDid).catch(onError);
  return { session: encodeBase64url(state.sessionId) };
}

/**
 * Later than all before it, also where two are opened within a millisecond or the clock was set back a little. Not later than one that was
 * opened while our clock was far ahead: the peer has refused that one, and would refuse all that follow until the time has come.
 */
function openedAfter(before: readonly LiveSession[], now: number): number {
  const times = before.map(({ state }) => state.openedAt).filter((at) => at < now + clockSkewMs);
  return Math.max(now, ...times.map((at) => at + 1));
}

/** With what speaks for its key, once that is another than the one of the did:key. */
async function bundle({ options: { identity, store }, env }: Parts, { introduced = true, ...choice }: BundleOptions = {}): Promise<Uint8Array> {
  const bytes = await issueBundle({ identity, store, env }, choice);
  return introduced && identity.historySequence > 0 ? introduce(identity.history, bytes) : bytes;
}

function readBundle(bytes: Uint8Array): Introduced {
  requireUint8Array('bundle', bytes);
  try {
    return readIntroduction(bytes);
  } catch {
    throw new IdentityError({ code: 'TALOS_IDENTITY_BAD_BUNDLE', message: 'prekey bundle refused: the history before it is cut off or too long' });
  }
}

/** The transport forgets what is refused for good: it would be refused again. What a store or a log could not take comes again. */
async function takeIn({ incoming, onError }: Parts, frames: readonly Uint8Array[]): Promise<readonly Taking[]> {
  const takings = await incoming.receiveAll(frames);
  for (const taking of takings) if ('error' in taking) onError(taking.error);
  return takings.filter((taking) => !('error' in taking) || isRefusal(taking.error));
}

function subscribe(parts: Parts): Promise<Subscription> {
  const { identity } = parts.options;
  const { transport } = parts;
  const taken = async (frames: readonly Uint8Array[]): Promise<number> => (await takeIn(parts, frames)).length;
  if (transport.receiveBatches !== undefined) return transport.receiveBatches(identity.did, taken);
  return transport.receive(identity.did, async (frame) => {
    if ((await taken([frame])) === 0) throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the frame was not kept', retryable: true });
  });
}

/** In this order: nothing new comes in, what was begun goes out, handlers end. */
async function close({ subscription, answers, outgoing, delivery, cancelSweep }: Parts): Promise<void> {
  cancelSweep();
  await subscription?.close();
  answers.answerAll();
  await outgoing.close();
  await delivery.close();
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
