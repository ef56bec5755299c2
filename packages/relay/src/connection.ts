/**
 * One client's connection: a challenge, one proof, then its requests. What it sends is a stranger's until the proof and an agent's
 * after it, and is bounded either way; whatever it is, the answer is a coded one or the end of the connection (docs/spec/06 §3, §4).
 * @module
 */
import type { RawData, WebSocket } from 'ws';
import { TalosError } from '@talosprotocol/core/errors';
import type { AgentId } from '@talosprotocol/core/identity';
import {
  decodeRelayRequest,
  encodeRelayReply,
  pingMs,
  silenceMs,
  verifyRelayProof,
  type ProvenAgent,
  type RelayChallenge,
  type RelayProof,
  type RelayRefusal,
  type RelayReply,
  type RelayRequest,
} from '@talosprotocol/core/web';
import { countBundles, fetchBundle, fetchCard, publishBundles, publishCard } from './directory.ts';
import { decodePin, encodePin, pinOf, reaches, type HistoryPin } from './history-pin.ts';
import type { Hub, Presence } from './hub.ts';
import { saveFrame, saveFrames } from './mailbox.ts';
import type { Outcome } from './outcome.ts';
import { Outlet } from './outlet.ts';
import type { StoredFrame } from './relay-database.ts';
import { authenticationMs, maxUnreadBytes } from './relay-limits.ts';

/** RFC 6455 §7.4.1: going away, policy violation. */
const [goingAway, policyViolation] = [1001, 1008];

type Request = Exclude<RelayRequest, { type: 'authenticate' | 'pong' }>;

export class Connection implements Presence {
  readonly #hub: Hub;
  readonly #socket: WebSocket;
  readonly #challenge: RelayChallenge;
  /** Undefined until the proof was accepted; nothing but a proof is taken before. */
  #agent: ProvenAgent | undefined;
  /** One answer for each challenge. */
  #isAnswered = false;
  #mailbox = 0;
  #outlet: Outlet | undefined;
  /** Subscriptions whose outlet opens after the next write, unless they are stopped before. */
  readonly #opening = new Set<number>();
  #heardAt: number;
  #isOver = false;
  #cancelTimer: () => void = () => undefined;

  constructor(hub: Hub, socket: WebSocket) {
    const { env, origin } = hub;
    this.#hub = hub;
    this.#socket = socket;
    this.#heardAt = env.monotonic();
    this.#challenge = { origin, nonce: env.randomBytes(32), issuedAt: Math.floor(env.now()) };
    socket.on('message', (data, isBinary) => this.#take(data, isBinary));
    socket.on('close', () => this.#end());
    // Too long, not UTF-8, a broken frame: ws has answered, and closes.
    socket.on('error', () => socket.terminate());
    this.#send({ type: 'challenge', ...this.#challenge });
    this.#cancelTimer = env.after(authenticationMs, () => this.#refuse('unauthenticated'));
  }

  get historySequence(): number {
    return this.#agent?.historySequence ?? 0;
  }

  wake(): void {
    this.#fill();
  }

  supersede(): void {
    if (this.#outlet !== undefined) this.#send({ type: 'superseded', subscription: this.#outlet.subscription });
    this.#outlet = undefined;
  }

  tellLow(left: number): void {
    this.#send({ type: 'low', left });
  }

  expel(): void {
    this.#refuse('unauthenticated');
  }

  /** The relay closes. */
  dismiss(): void {
    this.#send({ type: 'refused', request: 0, reason: 'closing' });
    this.#close(goingAway);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #take(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    this.#heardAt = this.#hub.env.monotonic();
    try {
      if (!isBinary || !Buffer.isBuffer(data)) return this.#refuse('malformed');
      this.#handle(decodeRelayRequest(data));
    } catch (error) {
      this.#refuse(TalosError.isInstance(error) ? 'malformed' : 'unavailable');
    }
  }

  #handle(message: RelayRequest): void {
    if (message.type === 'authenticate') return this.#authenticate(message);
    if (this.#agent === undefined) return this.#refuse('unauthenticated');
    if (message.type !== 'pong') this.#serve(message, this.#agent);
  }

  #serve(message: Request, agent: ProvenAgent): void {
    switch (message.type) {
      case 'send':
        return this.#answer(message.request, saveFrame(this.#hub, { from: agent.did, to: message.to, frame: message.frame }));
      case 'sendBatch':
        return this.#answer(message.request, saveFrames(this.#hub, { from: agent.did, to: message.to, frames: message.frames }));
      case 'publish':
        return this.#answer(message.request, publishBundles(this.#hub, agent, message.bundles));
      case 'fetch':
        return this.#answer(message.request, fetchBundle(this.#hub, { requester: agent.did, owner: message.did }));
      case 'count':
        return this.#answer(message.request, countBundles(this.#hub, agent.did));
      case 'publish-card':
        return this.#answer(message.request, publishCard(this.#hub, agent, message.card));
      case 'fetch-card':
        return this.#answer(message.request, fetchCard(this.#hub, { requester: agent.did, owner: message.did }));
      case 'receive':
        return this.#receive(message.subscription, agent.did);
      case 'stop':
        return this.#stop(message.subscription, agent.did);
      case 'acknowledge':
        return this.#acknowledge(message.subscription, message.delivery);
    }
  }

  #authenticate(proof: RelayProof): void {
    if (this.#isAnswered) return this.#refuse('malformed');
    this.#isAnswered = true;
    const { env, writes } = this.#hub;
    const agent = proven(proof, { challenge: this.#challenge, now: env.now() });
    if (agent === undefined) return this.#refuse('unauthenticated');
    const proved = pinOf(agent);
    void writes
      .run(() => this.#admit(agent, proved))
      .then(
        (left) => (left === undefined ? this.#refuse('unauthenticated') : this.#welcome(agent, left)),
        () => this.#refuse('unavailable'),
      );
  }

  /**
   * How far the history goes is kept before its key counts here, so that the key before it counts nowhere any more. Compared where it is
   * written: of two that prove themselves at once, the one with the older key must not have the last word.
   * @returns One-time pairs left; undefined if a newer key, or another one, is known.
   */
  #admit(agent: ProvenAgent, proved: HistoryPin | undefined): number | undefined {
    const { database, env } = this.#hub;
    const known = decodePin(database.history(agent.did));
    if (!reaches(agent, { proved, known })) return undefined;
    const row = database.agent(agent.did);
    if (proved !== undefined && proved.sequence > (known?.sequence ?? 0)) {
      database.saveHistory(row, encodePin(proved));
      database.deleteBundlesBefore(row, agent.historySequence);
    }
    this.#mailbox = row;
    return database.countPairs(row, env.now());
  }

  #welcome(agent: ProvenAgent, left: number): void {
    if (this.#isOver) return;
    this.#agent = agent;
    this.#hub.enter(agent.did, this);
    this.#cancelTimer();
    this.#pingLater();
    this.#send({ type: 'welcome', left });
  }

  #answer(request: number, outcome: Promise<Outcome>): void {
    void outcome.then(
      (reply) => this.#send(typeof reply === 'string' ? { type: 'refused', request, reason: reply } : ({ ...reply, request } as RelayReply)),
      () => this.#send({ type: 'refused', request, reason: 'unavailable' }),
    );
  }

  /** After what was written so far: an acknowledgement that is still on its way to the disk is not delivered against. */
  #receive(subscription: number, did: AgentId): void {
    this.#opening.add(subscription);
    void this.#hub.writes
      .run(() => undefined)
      .then(
        () => this.#openOutlet(subscription, did),
        () => this.#refuse('unavailable'),
      );
  }

  #openOutlet(subscription: number, did: AgentId): void {
    if (!this.#opening.delete(subscription) || this.#isOver) return;
    const { database, env } = this.#hub;
    this.#outlet = new Outlet({
      subscription,
      framesAfter: (id) => database.framesAfter(this.#mailbox, id, env.now()),
      deliver: (of, frames) => this.#deliver(of, frames),
    });
    this.#hub.receive(did, this);
    this.#fill();
  }

  /** A disk that cannot be read ends this connection: not the process, and not the answer to the sender whose frame woke it. */
  #fill(): void {
    try {
      this.#outlet?.fill();
    } catch {
      this.#refuse('unavailable');
    }
  }

  #deliver(subscription: number, frames: readonly StoredFrame[]): void {
    const deliveries = frames.map(({ id, body }) => ({ delivery: id, frame: body }));
    const [first] = deliveries;
    if (deliveries.length === 1 && first !== undefined) return this.#send({ type: 'deliver', subscription, ...first });
    this.#send({ type: 'deliverBatch', subscription, deliveries });
  }

  #stop(subscription: number, did: AgentId): void {
    this.#opening.delete(subscription);
    if (this.#outlet?.subscription !== subscription) return;
    this.#outlet = undefined;
    this.#hub.stopReceiving(did, this);
  }

  /** Of an earlier subscription: void, and not an error, since the two may have crossed on the wire. */
  #acknowledge(subscription: number, delivery: number): void {
    if (this.#outlet?.subscription !== subscription) return;
    if (!this.#outlet.acknowledge(delivery)) return this.#refuse('malformed');
    // What could not be deleted is delivered again: a session tells a repetition.
    void this.#hub.writes.run(() => this.#hub.database.deleteFrames(this.#mailbox, delivery)).catch(() => undefined);
    this.#fill();
  }

  #send(message: RelayReply): void {
    if (this.#isOver || this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > maxUnreadBytes) return this.#socket.terminate();
    this.#socket.send(encodeRelayReply(message));
  }

  #refuse(reason: RelayRefusal): void {
    this.#send({ type: 'refused', request: 0, reason });
    this.#close(policyViolation);
  }

  #close(code: number): void {
    this.#end();
    this.#socket.close(code);
  }

  /** Either end may have gone without a word. */
  #pingLater(): void {
    const { env } = this.#hub;
    this.#cancelTimer = env.after(pingMs, () => {
      if (env.monotonic() - this.#heardAt >= silenceMs) return this.#socket.terminate();
      this.#send({ type: 'ping' });
      this.#pingLater();
    });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#outlet = undefined;
    if (this.#agent !== undefined) this.#hub.leave(this.#agent.did, this);
  }
}

function proven(proof: RelayProof, input: Parameters<typeof verifyRelayProof>[1]): ProvenAgent | undefined {
  try {
    return verifyRelayProof(proof, input);
  } catch {
    return undefined;
  }
}
