/** The façade: it composes the rooms and decides nothing. @module */
import type { EntryProof, VerifiedEntry } from '../audit/entry-proof.ts';
import type { ProvingLog } from '../audit/log-reader.ts';
import type { ApprovalAnswer } from '../capability/approval.ts';
import type { ApprovalDesk } from '../capability/approval-desk.ts';
import type { CapabilityCall } from '../capability/authorize.ts';
import type { Invocation } from '../capability/invocation.ts';
import type { PresentedCall } from '../capability/presented-call.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireFunction, requireObject, requireText } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Guard } from '../guard/guard.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Identity } from '../identity/identity.ts';
import type { IdentityCard } from '../identity/identity-card.ts';
import type { KeyHistory } from '../identity/key-history.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import type { Received, Sent } from '../message/messenger.ts';
import type { CallOptions } from '../remote/caller.ts';
import type { UnacknowledgedCall } from '../remote/call-store.ts';
import type { DescribeOptions } from '../remote/describer.ts';
import type { Remote } from '../remote/remote.ts';
import type { RemoteResult } from '../remote/remote-result.ts';
import type { RemoteTool, RemoteToolsOptions } from '../remote/remote-tool.ts';
import type { DescribedTool } from '../remote/tool.ts';
import type { ServeOptions } from '../remote/tool-table.ts';
import type { DelegateOptions, GrantOptions, GuardOptions, RevokeTarget } from './client-capabilities.ts';
import type { EvidenceOptions } from './client-evidence.ts';
import type { ClientEvents, Listeners } from './client-events.ts';
import type { ClientOptions } from './client-options.ts';
import type { ProveOptions, VerifiedCall } from './client-proofs.ts';
import type { Conversation, Reports } from './conversation.ts';
import type { ClientParts } from './open-parts.ts';

export type MessageHandler = (message: Received) => void | Promise<void>;

/** What a client shows of its home's log. Appending is the guard's and the messenger's. */
export type ReadableLog = ProvingLog;

/** A call as it is said: whom, what, with which arguments, and by which right. */
type RemoteCallWords = readonly [tool: string, input: unknown, options: CallOptions];

export class TalosClient {
  readonly name: string;
  readonly did: AgentId;
  #parts: ClientParts;
  /** Handlers by what takes them off the messenger again; undefined while there is none. */
  readonly #messageHandlers = new Map<MessageHandler, (() => void) | undefined>();
  #messenger: Promise<Conversation> | undefined;
  #remote: Promise<Remote> | undefined;
  /** What is served again when the identity has changed. */
  readonly #served = new Set<{ readonly options: ServeOptions; remove: () => void }>();
  /** The same once it is open: `on` cannot wait. */
  #listening: Conversation | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: ClientParts) {
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
    // With the first client, not with the package.
    const { openParts } = await import('./open-parts.ts');
    return new TalosClient(await openParts(name, options));
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
    const parts = this.#open();
    return parts.actions.issueGrant(parts, options);
  }

  /**
   * Passes on a capability that this agent holds, narrower: nobody is asked, and every verifier checks that it is.
   * @param token - As it was given to this agent. Its issuer says with `delegate` how often it may be passed on.
   * @returns The chain: hand it to its holder in place of a token.
   * @throws {@link CapabilityError} `TALOS_CAPABILITY_INVALID_GRANT` if this agent does not hold it, or if something is not provably narrower.
   */
  async delegate(token: string, options: DelegateOptions): Promise<string> {
    const parts = this.#open();
    return parts.actions.delegateGrant(parts, token, options);
  }

  /**
   * Takes back a capability that this agent issued, passed on or holds, with all that was made from it. When it resolves no guard of this home lets
   * it through any more, and tools that run under it were told to stop. Verifiers elsewhere learn of it by `sendRevocations` or `exportRevocations`.
   * @param target - The token; or a holder, a task or a subject, for all that this agent issued or passed on to it or for it, now or later.
   * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if it is none of this agent's, `TALOS_USAGE_OPTIONS`.
   */
  async revoke(target: string | RevokeTarget): Promise<void> {
    const parts = this.#open();
    await parts.actions.revokeGrant(parts, target);
  }

  /** Takes back all that this agent issued so far, at one stroke: for a key or a policy that cannot be trusted any more. */
  async revokeAll(): Promise<void> {
    const parts = this.#open();
    await parts.actions.revokeAllGrants(parts);
  }

  /** What this agent took back, signed anew as of now: a text for the `importRevocations` of those who trust it. */
  async exportRevocations(): Promise<string> {
    const { state, identity } = this.#open();
    await state.revocations.renew({ issuer: identity.did, signer: identity.signer });
    return state.revocations.export(identity.did) as string;
  }

  /**
   * Tells a peer what this agent took back, as of now, in the session to it. Its agent takes that in by itself.
   * @throws {@link SessionError} `TALOS_SESSION_UNKNOWN` without a session.
   */
  async sendRevocations(peerDid: AgentId): Promise<void> {
    await (await this.#converse()).revocations.tell(peerDid);
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
    const parts = this.#open();
    return parts.actions.approvalDesk(parts);
  }

  /**
   * Answers a request for an approval in this agent's name, as one of those whom the grant asks.
   * @returns The signed answer: hand it to the `approvals.submit` of who asked.   @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_APPROVAL_REQUEST`.
   */
  async answerApproval(answer: ApprovalAnswer): Promise<string> {
    const { identity, env, keys } = this.#open();
    const { answerApproval } = await import('../capability/approval.ts');
    return answerApproval(answer, { issuer: identity.did, signer: identity.signer, env, keys });
  }

  /** A guard that acts under this capability. It is admitted at the first call: a bad one refuses calls and does not throw here. */
  guard(options: GuardOptions): Guard {
    requireObject('options', options);
    const parts = this.#open();
    return parts.actions.guardWith({ ...parts, ask: async (issuer) => this.#listening?.revocations.ask(issuer) }, options);
  }

  /**
   * Puts the next key in force, to which the present one was committed from the start, and tells the peers. Sessions go on. What the old key
   * signed ends: grants of this agent and those that it holds are asked for anew. Guards made before refuse from now on.
   * A crash leaves the old key in force or the new one. Other clients of this agent go on with the old key until they are created again.
   */
  async rotate(options: { readonly reason?: string } = {}): Promise<void> {
    const { rotateClient } = await import('./rotate-client.ts');
    await this.#replaceIdentity(await rotateClient(this.#open(), options));
  }

  /**
   * Ends this identity for good, tells the peers, and closes the client: no key speaks for its DID any more, here or elsewhere.
   * @returns The history that says so, for those who were not reached.
   */
  async revokeIdentity(options: { readonly reason?: string } = {}): Promise<KeyHistory> {
    const { revokeClient } = await import('./rotate-client.ts');
    const conversation = await this.#converse();
    const history = await revokeClient(this.#open(), options, conversation);
    await this.close();
    return history;
  }

  /**
   * Sixty digits that are the same at both ends as long as nobody stands between them: read them out to each other.
   * @throws {@link IdentityError} `TALOS_IDENTITY_NOT_PINNED` before the first session with this peer, or its card.
   */
  async fingerprint(peerDid: AgentId): Promise<string> {
    const { peers, identity } = this.#open();
    const { fingerprintOf } = await import('../identity/fingerprint.ts');
    const own = { did: identity.did, identityKey: identity.signer.publicKey, agreementKey: identity.agreementKey.publicKey };
    return fingerprintOf(own, await peers.end(peerDid));
  }

  /** Who this agent is, signed: its keys with their history, the addresses of its relays, the key of its log. For the `pin` of others. */
  async card(options: { readonly endpoints?: readonly string[] } = {}): Promise<string> {
    const { identity, name, log, env } = this.#open();
    const { signIdentityCard } = await import('../identity/identity-card.ts');
    const content = { name, endpoints: options.endpoints ?? [], log: { origin: log.origin, verifierKey: log.verifierKey }, issuedAt: env.now() };
    return signIdentityCard(content, identity);
  }

  /**
   * Takes an agent's card as its own word, because you had it from its owner. From then on only that key speaks for it, or one that its signed
   * history leads to.
   * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_CARD`, `_EQUIVOCATION`.
   */
  async pin(card: string): Promise<IdentityCard> {
    requireText('card', card);
    const { peers, env } = this.#open();
    const { verifyIdentityCard } = await import('../identity/identity-card.ts');
    const verified = verifyIdentityCard(card, env.now());
    await peers.learn(verified.did, { history: verified.history, agreementKey: verified.agreementKey, endpoints: verified.endpoints, isExplicit: true });
    return verified;
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

  /**
   * Serves tools to peers: each call needs a capability that was granted for this agent (`at: client.did`), and runs at most once under the guard.
   * Name all tools in one call: what waited for this agent is answered from then on.
   * @returns Takes the tools away again.   @throws {@link RemoteError} `TALOS_REMOTE_BAD_TOOL`.
   */
  async serve(options: ServeOptions): Promise<() => void> {
    const served = { options, remove: (await this.#callRemote()).serve(options) };
    this.#served.add(served);
    return () => {
      this.#served.delete(served);
      served.remove();
    };
  }

  /**
   * Calls a peer's tool over the session with it. A refusal is a value, and so is `unknown`: then nobody can say whether it ran.
   * @returns The result with its receipt, which is in this client's log and, once it is signed by both, in the peer's.
   * @throws {@link SessionError} `TALOS_SESSION_UNKNOWN`; {@link AuditError} if the request could not be recorded: it was not sent then.
   */
  async call(peerDid: AgentId, ...[tool, input, options]: RemoteCallWords): Promise<RemoteResult> {
    requireObject('options', options);
    return (await this.#callRemote()).call(peerDid, { tool, input }, options);
  }

  /** As `call`, for a tool that yields: chunks in order, and at the end what `call` gives. To stop reading stops the tool. */
  async *stream(peerDid: AgentId, ...[tool, input, options]: RemoteCallWords): AsyncGenerator<JsonValue, RemoteResult, undefined> {
    requireObject('options', options);
    return yield* (await this.#callRemote()).stream(peerDid, { tool, input }, options);
  }

  /** What a peer serves, with schema and digest, as far as the capability covers it. @throws {@link RemoteError} `TALOS_REMOTE_NO_ANSWER`, `_MALFORMED`. */
  async describe(peerDid: AgentId, options: DescribeOptions = {}): Promise<readonly DescribedTool[]> {
    return (await this.#callRemote()).describe(peerDid, options);
  }

  /** A peer's tools, each ready to be called under this capability: what the adapters make their framework's tools of. */
  async remoteTools(peerDid: AgentId, options: RemoteToolsOptions): Promise<RemoteTool[]> {
    requireObject('options', options);
    const { remoteTools } = await import('../remote/remote-tool.ts');
    return remoteTools(await this.#callRemote(), peerDid, options);
  }

  /** Outcomes that this agent signed for callers who have not signed them, oldest first. */
  async unacknowledged(limit?: number): Promise<readonly UnacknowledgedCall[]> {
    return (await this.#callRemote()).unacknowledged(limit);
  }

  /** Called for each message that opens, once its promise resolves; messages that came earlier wait for the first handler. The result takes it off again. */
  on(event: 'message', handler: MessageHandler): () => void;
  /** What else is told: see `ClientEvents`. */
  on<Name extends keyof ClientEvents>(event: Name, handler: (event: ClientEvents[Name]) => void): () => void;
  on(event: 'message' | keyof ClientEvents, handler: MessageHandler | ((event: never) => void)): () => void {
    const { listeners } = this.#open();
    if (event !== 'message') return listeners.add(event, handler as (event: never) => void);
    requireFunction('handler', handler);
    return this.#onMessage(handler as MessageHandler);
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
    const { actions, log } = this.#open();
    return actions.verifyEntryProof(proof, log.verifierKey);
  }

  /**
   * Makes an evidence file from this home's log: what an auditor checks with `verifyEvidence` and the keys he trusts, offline. Without a selection
   * all that the log holds. No payload is opened that is not named.
   * @returns the file's text.
   * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND` on what the log does not have; {@link EvidenceError} `TALOS_EVIDENCE_NOT_PROVABLE`, `_LIMIT`.
   */
  async evidence(options: EvidenceOptions = {}): Promise<string> {
    const parts = this.#open();
    return (await import('./client-evidence.ts')).clientEvidence(parts, options);
  }

  /** Waits for what was begun, then lets go of transport and log. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(): ClientParts {
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

  #callRemote(): Promise<Remote> {
    this.#open();
    return (this.#remote ??= this.#openRemote().catch((error: unknown) => {
      this.#remote = undefined;
      throw error;
    }));
  }

  async #openRemote(): Promise<Remote> {
    const [messenger, { openClientRemote }] = await Promise.all([this.#converse(), import('./client-remote.ts')]);
    return openClientRemote({ ...this.#parts, messenger, onError: (error) => this.#parts.listeners.tell('error', error) });
  }

  async #openMessenger(): Promise<Conversation> {
    const { openConversation } = await import('./conversation.ts');
    const messenger = await openConversation({ ...this.#parts, reports: reportsTo(this.#parts.listeners) });
    for (const handler of this.#messageHandlers.keys()) this.#messageHandlers.set(handler, messenger.onMessage(handler));
    this.#listening = messenger;
    return messenger;
  }

  /** Sends that come from now on wait for the new identity; those that were begun are finished with the old one. */
  async #replaceIdentity(identity: Identity): Promise<void> {
    const before = this.#messenger;
    const remote = await this.#remote?.catch(() => undefined);
    await remote?.close();
    this.#remote = undefined;
    // The old key holds nothing any more: rights are admitted for the new one.
    this.#parts = { ...this.#parts, identity, verifier: this.#parts.actions.clientVerifier({ ...this.#parts, identity }) };
    if (before === undefined) return;
    this.#listening = undefined;
    const reopening = before
      .catch(() => undefined)
      .then((conversation) => conversation?.close())
      .then(() => this.#openMessenger());
    this.#messenger = reopening.catch((error: unknown) => {
      this.#messenger = undefined;
      throw error;
    });
    await this.#messenger;
    if (this.#served.size > 0) await this.#serveAgain();
  }

  async #serveAgain(): Promise<void> {
    const remote = await this.#callRemote();
    for (const served of this.#served) served.remove = remote.serve(served.options);
  }

  #onMessage(handler: MessageHandler): () => void {
    this.#messageHandlers.set(handler, this.#listening?.onMessage(handler));
    return () => {
      this.#messageHandlers.get(handler)?.();
      this.#messageHandlers.delete(handler);
    };
  }

  async #close(): Promise<void> {
    const remote = await this.#remote?.catch(() => undefined);
    await remote?.close();
    const messenger = await this.#messenger?.catch(() => undefined);
    await messenger?.close();
    await this.#parts.sharedState.release();
    await this.#parts.sharedLog.release();
  }
}

function reportsTo(listeners: Listeners): Reports {
  return {
    onError: (error) => listeners.tell('error', error),
    onLost: (loss) => listeners.tell('lost', loss),
    onAcknowledged: (acknowledgement) => listeners.tell('acknowledged', acknowledgement),
    onPeerRollback: (rollback) => listeners.tell('peerRollback', rollback),
  };
}
