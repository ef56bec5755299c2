/** Agents with messengers over one transport, and wires and stores that fail when a test says so. */
import type { Identity } from '../../src/identity/identity.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import type { MessageLogEntry } from '../../src/message/message-log.ts';
import { openMessenger, type Messenger, type MessengerOptions, type Received } from '../../src/message/messenger.ts';
import type { Transport } from '../../src/message/transport.ts';
import { StoreError } from '../../src/errors/store-error.ts';
import { TransportError } from '../../src/errors/transport-error.ts';
import { memorySessionStore } from '../../src/session/memory-session-store.ts';
import type { SessionStore, SessionWrites } from '../../src/session/session-store.ts';
import { makeIdentity, seededEnv, type TestEnv } from '../session/support.ts';

export type Agent = {
  readonly identity: Identity;
  readonly store: SessionStore;
  readonly messenger: Messenger;
  readonly received: Received[];
  readonly entries: MessageLogEntry[];
  readonly errors: unknown[];
};

/** What happened, in order, of all agents of a test. */
export type Trace = string[];

export type Wire = {
  readonly transport: Transport;
  readonly frames: Uint8Array[];
  /** Sends fail while this is true. */
  isDown: boolean;
  /** Frames for which it answers true are taken over and lost. */
  drop: (frame: Uint8Array) => boolean;
};

export function makeWire(env: TestEnv, trace: Trace = []): Wire {
  const inner = memoryTransport({ env });
  const wire: Wire = {
    frames: [],
    isDown: false,
    drop: () => false,
    transport: {
      send: async (to, frame) => {
        if (wire.isDown) throw new TransportError({ code: 'TALOS_TRANSPORT_SEND_FAILED', message: 'the wire is down', retryable: true });
        trace.push('send');
        wire.frames.push(frame);
        if (!wire.drop(frame)) await inner.send(to, frame);
      },
      receive: (own, handler) => inner.receive(own, handler),
    },
  };
  return wire;
}

export type StoreFault = { readonly store: SessionStore; readonly commits: SessionWrites[]; isFull: boolean };

/** The store, with every commit noted, and full when the test says so. */
export function watchStore(store: SessionStore, trace: Trace = []): StoreFault {
  const fault: StoreFault = {
    commits: [],
    isFull: false,
    store: {
      ...store,
      commit: async (id, version, writes) => {
        if (fault.isFull) throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the disk is full' });
        const next = await store.commit(id, version, writes);
        trace.push('commit');
        fault.commits.push(writes);
        return next;
      },
    },
  };
  return fault;
}

/** `silent`: no handler is registered. */
export type AgentOptions = Partial<MessengerOptions> & { readonly silent?: boolean };

export async function makeAgent(wire: Wire, env: TestEnv, options: AgentOptions = {}): Promise<Agent> {
  const identity = options.identity ?? (await makeIdentity(env));
  const store = options.store ?? memorySessionStore();
  const [received, entries, errors]: [Received[], MessageLogEntry[], unknown[]] = [[], [], []];
  const log = { append: async (entry: MessageLogEntry) => void entries.push(entry) };
  const messenger = await openMessenger({ identity, store, transport: wire.transport, env, log, onError: (error) => errors.push(error), ...options });
  if (options.silent !== true) messenger.onMessage((message) => void received.push(message));
  return { identity, store, messenger, received, entries, errors };
}

export type Couple = { readonly env: TestEnv; readonly wire: Wire; readonly alice: Agent; readonly bob: Agent };

/** Alice has a session to Bob; nothing was sent. */
export async function makeCouple(seed: string, options: { readonly alice?: AgentOptions; readonly bob?: AgentOptions } = {}): Promise<Couple> {
  const env = seededEnv(seed);
  const wire = makeWire(env);
  const [alice, bob] = [await makeAgent(wire, env, options.alice), await makeAgent(wire, env, options.bob)];
  await alice.messenger.establishSession(bob.messenger.did, await bob.messenger.bundle());
  return { env, wire, alice, bob };
}

/** Lets everything that can happen without time happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

export function contentsOf(agent: Agent): (string | Uint8Array)[] {
  return agent.received.map(({ content }) => content);
}
