/** The façade: it composes the rooms and decides nothing. @module */
import type { AuditLog } from '../audit/audit-log.ts';
import { verifyEntryProof, type EntryProof, type VerifiedEntry } from '../audit/entry-proof.ts';
import { answerApproval, type ApprovalAnswer } from '../capability/approval.ts';
import type { ApprovalDesk } from '../capability/approval-desk.ts';
import type { CapabilityCall } from '../capability/authorize.ts';
import type { Invocation } from '../capability/invocation.ts';
import { didKeys, type IssuerKeys } from '../capability/issuer-keys.ts';
import type { PresentedCall } from '../capability/presented-call.ts';
import type { Env } from '../env/env.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireFunction, requireObject } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Guard } from '../guard/guard.ts';
import { keyThumbprint, type AgentId } from '../identity/agent-id.ts';
import type { Identity } from '../identity/identity.ts';
import type { KeyHistory } from '../identity/key-history.ts';
import type { Received, Sent } from '../message/messenger.ts';
import {
  approvalDesk,
  delegateGrant,
  guardWith,
  issueGrant,
  revokeGrant,
  type DelegateOptions,
  type GrantOptions,
  type GuardOptions,
} from './client-capabilities.ts';
import { resolveOptions, type ClientOptions } from './client-options.ts';
import type { ProveOptions, VerifiedCall } from './client-proofs.ts';
import type { Conversation } from './directory-conversation.ts';
import { memoryState, type Home } from './home.ts';
import type { HomeState, SharedState } from './home-state.ts';
import { loadIdentity } from './load-identity.ts';
import type { SharedLog } from './shared-log.ts';

export type MessageHandler = (message: Received) => void | Promise<void>;

/** What a client shows of its home's log. Appending is the guard's and the messenger's. */
export type ReadableLog = Pick<
  AuditLog,
  'origin' | 'verifierKey' | 'size' | 'checkpoint' | 'proveInclusion' | 'proveConsistency' | 'entry' | 'find' | 'openings'
>;

type Parts = {
  readonly name: string;
  readonly home: Home;
  readonly identity: Identity;
  readonly log: AuditLog;
  readonly sharedLog: SharedLog;
  readonly state: HomeState;
  readonly sharedState: SharedState;
  readonly env: Env;
  readonly issuers: readonly AgentId[];
  readonly keys: IssuerKeys;
  readonly transport: ClientOptions['transport'];
};

export class TalosClient {
  readonly name: string;
  readonly did: AgentId;
  readonly #parts: Parts;
  /** Handlers by what takes them off the messenger again; undefined while there is none. */
  readonly #messageHandlers = new Map<MessageHandler, (() => void) | undefined>();
  readonly #errorHandlers = new Set<(error: unknown) => void>();
  #messenger: Promise<Conversation> | undefined;
  /** The same once it is open: `on` cannot wait. */
  #listening: Conversation | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.name = parts.name;
    this.did = parts.identity.did;
  }

  /**
   * Loads the agent of this name from its home, or creates it there.
   * @param name - 1 to 58 letters, digits, dots, underscores or hyphens.
   * @throws {@link IdentityError} if the key store is locked or the identity revoked; {@link StoreError} if the home cannot be opened.
   */
  static async create(name: string, options: ClientOptions = {}): Promise<TalosClient> {
    const { home, env, issuers } = resolveOptions(options);
    const { identity, created } = await loadIdentity({ name, keys: home.keys, env });
    const trusted = issuers ?? [identity.did];
    const sharedLog = home.log(env);
    const log = await sharedLog.acquire();
    try {
      if (created) await log.append({ type: 'key.bound', agent: identity.did, kid: keyThumbprint(identity.signer.publicKey), log: log.verifierKey });
      const sharedState = home.state?.(env) ?? memoryState(env);
      const state = await sharedState.acquire();
      state.revocations.adopt(identity.did);
      for (const issuer of trusted) state.revocations.follow(issuer);
      return new TalosClient({
        name,
        home,
        identity,
        log,
        sharedLog,
        state,
        sharedState,
        env,
        issuers: trusted,
        keys: didKeys(),
        transport: options.transport,
      });
    } catch (error) {
      await sharedLog.release();
      throw error;
    }
  }

  /** The audit log of this client's home. */
  get log(): ReadableLog {
    return this.#open().log;
  }

  /** The signed history of this agent's keys, for peers that pin it. */
  get history(): KeyHistory {
    return this.#open().identity.history;
  }

  /**
   * Issues a capability in this agent's name and records that it did.
   * @returns The signed token: hand it to its holder, it is of no use to anybody else.
   * @throws {@link CapabilityError} `TALOS_CAPABILITY_INVALID_GRANT` names the member that cannot be granted.
   */
  async grant(options: GrantOptions): Promise<string> {
    return issueGrant(this.#open(), options);
  }

  /**
   * Passes on a capability that this agent holds, narrower: nobody is asked, and every verifier checks that it is.
   * @param token - As it was given to this agent. Its issuer says with `delegate` how often it may be passed on.
   * @returns The chain: hand it to its holder in place of a token.
   * @throws {@link CapabilityError} `TALOS_CAPABILITY_INVALID_GRANT` if this agent does not hold it, or if something is not provably narrower.
   */
  async delegate(token: string, options: DelegateOptions): Promise<string> {
    return delegateGrant(this.#open(), token, options);
  }

  /**
   * Takes back a capability that this agent issued, passed on or holds, with all that was made from it. When it resolves no guard of this home lets
   * it through any more, and tools that run under it were told to stop. Verifiers elsewhere learn of it from `exportRevocations`.
   * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if it is none of this agent's.
   */
  async revoke(token: string): Promise<void> {
    await revokeGrant(this.#open(), token);
  }

  /** What this agent took back, signed anew as of now: a text for the `importRevocations` of those who trust it. */
  async exportRevocations(): Promise<string> {
    const { state, identity } = this.#open();
    await state.revocations.renew({ issuer: identity.did, signer: identity.signer });
    return state.revocations.export(identity.did) as string;
  }

  /**
   * Takes in what another agent took back.
   * @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_REVOCATIONS`, or `TALOS_CAPABILITY_REVOCATIONS_ROLLED_BACK` for an older list than was seen.
   */
  async importRevocations(list: string): Promise<void> {
    await this.#open().state.revocations.import(list);
  }

  /** Where calls of this agent wait for a person: lists requests, takes answers in. */
  get approvals(): ApprovalDesk {
    return approvalDesk(this.#open());
  }

  /**
   * Answers a request for an approval in this agent's name, as one of those whom the grant asks.
   * @returns The signed answer: hand it to the `approvals.submit` of who asked.   @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_APPROVAL_REQUEST`.
   */
  async answerApproval(answer: ApprovalAnswer): Promise<string> {
    const { identity, env, keys } = this.#open();
    return answerApproval(answer, { issuer: identity.did, signer: identity.signer, env, keys });
  }

  /** A guard that acts under this capability. It is admitted at the first call: a bad one refuses calls and does not throw here. */
  guard(options: GuardOptions): Guard {
    requireObject('options', options);
    return guardWith(this.#open(), options);
  }

  /**
   * Signs one call that leaves this process, as the holder of the capability: `signRequest` of `@talosprotocol/core/web` does it for HTTP.
   * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if a verifier would refuse the shape of it.
   */
  async proveCall(call: CapabilityCall, options: ProveOptions): Promise<Invocation> {
    const parts = this.#open();
    requireObject('options', options);
    return (await import('./client-proofs.ts')).proveCall(parts, call, options);
  }

  /**
   * Checks a call that came with a capability for this agent (`at: client.did`) and its holder's proof; each proof counts once.
   * @returns A guard under that capability, which has yet to decide the call; or why not. Nothing is recorded of strangers.
   */
  async verifyCall(presented: PresentedCall): Promise<VerifiedCall> {
    const parts = this.#open();
    requireObject('presented', presented);
    return (await import('./client-proofs.ts')).verifyCall(parts, presented);
  }

  /** What one peer needs to open a session to this agent, signed; each has a one-time prekey of its own. */
  async bundle(): Promise<Uint8Array> {
    return (await this.#converse()).bundle();
  }

  /**
   * Opens an authenticated, forward-secret session. Nothing is sent yet: the first message carries the handshake.
   * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_BUNDLE` if the bundle is not signed by `peerDid` or has expired.
   */
  async establishSession(peerDid: AgentId, peerBundle: Uint8Array): Promise<void> {
    await (await this.#converse()).establishSession(peerDid, peerBundle);
  }

  /**
   * Opens a session to an agent that is known by its DID alone: its bundle comes from the directory of the transport.
   * @throws {@link TransportError} `TALOS_TRANSPORT_NO_BUNDLE`, `_UNREACHABLE`, `_REFUSED`; {@link UsageError} `TALOS_USAGE_OPTIONS` if the
   * transport has no directory; {@link IdentityError} `TALOS_IDENTITY_BAD_BUNDLE` if what it gave is not the peer's.
   */
  async connect(peerDid: AgentId): Promise<void> {
    await (await this.#converse()).connect(peerDid);
  }

  /**
   * Encrypts, records and sends. Resolves when the message is durable here, recorded and handed to the transport.
   * @throws {@link SessionError} `TALOS_SESSION_UNKNOWN` without a session: call `establishSession` first.
   */
  async send(peerDid: AgentId, content: string | Uint8Array): Promise<Sent> {
    return (await this.#converse()).send(peerDid, content);
  }

  /** Called for each message that opens, once its promise resolves; messages that came earlier wait for the first handler. The result takes it off again. */
  on(event: 'message', handler: MessageHandler): () => void;
  /** Called with what fails where nobody waits: a refused frame, a handler that rejects. Never with plaintext. */
  on(event: 'error', handler: (error: unknown) => void): () => void;
  on(event: 'message' | 'error', handler: MessageHandler | ((error: unknown) => void)): () => void {
    this.#open();
    requireFunction('handler', handler);
    if (event === 'error') {
      const onError = handler as (error: unknown) => void;
      this.#errorHandlers.add(onError);
      return () => void this.#errorHandlers.delete(onError);
    }
    if (event !== 'message') throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: "the events are 'message' and 'error'" });
    return this.#onMessage(handler);
  }

  /**
   * The proof that a message of this client is in its log, checkable by anyone who has the log's key.
   * @param messageHash - As `send` gave it and as the peer's log has it.
   * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND`.
   */
  async getMerkleProof(messageHash: string): Promise<EntryProof> {
    const { log } = this.#open();
    const index = await log.find('message', messageHash);
    if (index === undefined) throw new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message: 'no message of this hash is in the log' });
    return log.proveInclusion(index);
  }

  /**
   * Checks a proof of this client's own log, without reading the log. For a peer's, use `verifyEntryProof` with the key you trust.
   * @returns The entry that the log holds.   @throws {@link AuditError} if the proof proves nothing.
   */
  verifyProof(proof: EntryProof): VerifiedEntry {
    return verifyEntryProof(proof, this.#open().log.verifierKey);
  }

  /** Waits for what was begun, then lets go of transport and log. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(): Parts {
    if (this.#closing !== undefined) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this client was closed: create it again' });
    return this.#parts;
  }

  #converse(): Promise<Conversation> {
    this.#open();
    return (this.#messenger ??= this.#openMessenger().catch((error: unknown) => {
      this.#messenger = undefined;
      throw error;
    }));
  }

  async #openMessenger(): Promise<Conversation> {
    const { openConversation } = await import('./conversation.ts');
    const onError = (error: unknown): void => this.#errorHandlers.forEach((handler) => handler(error));
    const messenger = await openConversation({ ...this.#parts, onError });
    for (const handler of this.#messageHandlers.keys()) this.#messageHandlers.set(handler, messenger.onMessage(handler));
    this.#listening = messenger;
    return messenger;
  }

  #onMessage(handler: MessageHandler): () => void {
    this.#messageHandlers.set(handler, this.#listening?.onMessage(handler));
    return () => {
      this.#messageHandlers.get(handler)?.();
      this.#messageHandlers.delete(handler);
    };
  }

  async #close(): Promise<void> {
    const messenger = await this.#messenger?.catch(() => undefined);
    await messenger?.close();
    await this.#parts.sharedState.release();
    await this.#parts.sharedLog.release();
  }
}
