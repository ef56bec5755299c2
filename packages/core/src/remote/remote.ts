/** Both ends of remote calls over one messenger: what comes is sorted here, and done elsewhere (docs/spec/07). @module */
import type { AuditLog } from '../audit/audit-log.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import { didKeyReader, type IssuerKeys } from '../capability/issuer-keys.ts';
import type { Reservations } from '../capability/reservation.ts';
import type { RevocationTracker } from '../capability/standing.ts';
import { verificationBudget } from '../capability/verification-budget.ts';
import type { Env } from '../env/env.ts';
import { RemoteError } from '../errors/remote-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { isRefusedForGood } from '../identity/peers.ts';
import type { Signer } from '../identity/signer.ts';
import type { Messenger, ReceivedRemote } from '../message/messenger.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { oneKey, type PartyKeys } from '../receipt/receipt-keys.ts';
import { Caller, type CallOptions } from './caller.ts';
import type { CallStore, UnacknowledgedCall } from './call-store.ts';
import { Countersigner } from './countersigner.ts';
import { Describer, type DescribeOptions } from './describer.ts';
import { decodeRemote, type RemoteMessage } from './remote-message.ts';
import type { RemoteResult } from './remote-result.ts';
import { sayOver } from './remote-wire.ts';
import { Server } from './server.ts';
import type { DescribedTool } from './tool.ts';
import { ToolTable, type ServeOptions } from './tool-table.ts';

export type RemoteOptions = {
  readonly agent: AgentId;
  /** Signs R, S and A: the key that this agent's capabilities name as their holder's. */
  readonly signer: Signer;
  readonly messenger: Pick<Messenger, 'sendRemote' | 'onRemote'>;
  readonly log: Pick<AuditLog, 'append' | 'find' | 'entry' | 'origin' | 'recovery'>;
  readonly env: Env;
  readonly keys: IssuerKeys;
  /** Whose capabilities count for served tools if `serve` does not say. */
  readonly issuers: readonly AgentId[];
  readonly revocations: RevocationTracker;
  readonly reservations: Reservations;
  /** Of this agent alone. */
  readonly calls: CallStore;
  /** The key that speaks for a peer now. Default: the one in its did:key, right for an agent that has never rotated. */
  readonly peerKey?: (did: AgentId) => Ed25519PublicKey;
  /** What fails where nobody waits. Never holds arguments or results. */
  readonly onError: (error: unknown) => void;
};

export interface Remote {
  /** Serves tools under the guard from now on. @returns Takes them away again.   @throws {@link RemoteError} `TALOS_REMOTE_BAD_TOOL`. */
  serve(options: ServeOptions): () => void;
  /** @throws {@link SessionError} `TALOS_SESSION_UNKNOWN`; the log's error if the request could not be recorded: nothing was sent then. */
  call(peer: AgentId, call: { readonly tool: string; readonly input: unknown }, options: CallOptions): Promise<RemoteResult>;
  /** As `call`, for a tool that yields. */
  stream(peer: AgentId, call: { readonly tool: string; readonly input: unknown }, options: CallOptions): AsyncGenerator<JsonValue, RemoteResult, undefined>;
  /** What the peer serves to this agent. @throws {@link RemoteError} `TALOS_REMOTE_NO_ANSWER`, `_MALFORMED`; {@link SessionError}. */
  describe(peer: AgentId, options?: DescribeOptions): Promise<readonly DescribedTool[]>;
  /** Outcomes that this agent signed and whose callers did not, oldest first. */
  unacknowledged(limit?: number): Promise<readonly UnacknowledgedCall[]>;
  /** Stops tools at work, says what came of them, and gives up calls that wait. Before the messenger is closed. Idempotent. */
  close(): Promise<void>;
}

/** Takes up what an earlier run received and did not finish: those calls are answered and not run again. Serve first, then open. */
export function openRemote(options: RemoteOptions): Remote {
  const { messenger, env, onError } = options;
  const say = sayOver({ send: (peer, body) => messenger.sendRemote(peer, body) });
  const { peerKey = didKeyReader() } = options;
  const partyKeys = (did: AgentId): PartyKeys => oneKey(peerKey(did));
  const parts = { ...options, origin: options.log.origin, budget: verificationBudget(env), refusals: verificationBudget(env), peerKey, partyKeys, say };
  const tools = new ToolTable(parts);
  const countersigner = new Countersigner(parts);
  const rooms: Rooms = {
    server: new Server({ ...parts, tools }),
    caller: new Caller({ ...parts, countersigner }),
    describer: new Describer({ env, say, tools }),
  };
  let stop: (() => void) | undefined;
  const listen = (): void => {
    if (stop !== undefined) return;
    stop = messenger.onRemote((message) => takeOnce(rooms, message, onError));
    rooms.caller.resume().catch(onError);
  };
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    rooms.caller.close();
    rooms.describer.close();
    await rooms.server.close();
    await countersigner.close();
    stop?.();
  };
  return {
    serve: (served) => {
      const remove = tools.add(served);
      listen();
      return remove;
    },
    call: (peer, { tool, input }, callOptions) => {
      listen();
      return rooms.caller.call({ peer, tool, input, options: callOptions });
    },
    stream: (peer, { tool, input }, callOptions) => {
      listen();
      return rooms.caller.stream({ peer, tool, input, options: callOptions });
    },
    describe: (peer, describeOptions = {}) => {
      listen();
      return rooms.describer.describe(peer, describeOptions);
    },
    unacknowledged: (limit = 1000) => options.calls.unacknowledged(limit),
    close: () => (closing ??= close()),
  };
}

type Rooms = { readonly server: Server; readonly caller: Caller; readonly describer: Describer };

/** What a peer said before it ended its identity cannot be answered: tried again for ever, it would keep its row, and write to the log each time. */
async function takeOnce(rooms: Rooms, message: ReceivedRemote, onError: (error: unknown) => void): Promise<void> {
  try {
    await take(rooms, message, onError);
  } catch (error) {
    if (!isRefusedForGood(error)) throw error;
    onError(error);
  }
}

/** What a peer says that is not the protocol is reported and forgotten: it would be the same a second time. */
async function take(rooms: Rooms, { from, body, recorded }: ReceivedRemote, onError: (error: unknown) => void): Promise<void> {
  let message: RemoteMessage;
  try {
    message = decodeRemote(body);
  } catch (error) {
    onError(error);
    if (RemoteError.isInstance(error)) return;
    throw error;
  }
  if (message.kind === 'call') return rooms.server.call(from, message, recorded);
  if (message.kind === 'result') return rooms.caller.result(from, message, recorded);
  await recorded;
  await dispatch(rooms, from, message);
}

async function dispatch(
  { server, caller, describer }: Rooms,
  from: AgentId,
  message: Exclude<RemoteMessage, { readonly kind: 'call' | 'result' }>,
): Promise<void> {
  switch (message.kind) {
    case 'cancel':
      return server.cancel(from, message.request);
    case 'credit':
      return server.credit(from, message);
    case 'countersign':
      return server.countersigned(from, message.signed);
    case 'chunk':
      return caller.chunk(from, message);
    case 'describe':
      return describer.asked(from, message);
    case 'described':
      return describer.answered(from, message);
  }
}
