/** From what a peer sent to a call that may be decided, claimed in the call store so that nothing else runs it (docs/spec/07 §10). @module */
import { decodeBase64url } from '../bytes/base64url.ts';
import type { CapabilityHandle } from '../capability/capability-handle.ts';
import { deny, type Denial } from '../capability/denial.ts';
import { verifyInvocation } from '../capability/invocation.ts';
import type { IssuerKeys } from '../capability/issuer-keys.ts';
import { maxLifetimeSeconds } from '../capability/bounds.ts';
import type { ReplayStore } from '../capability/replay-store.ts';
import type { VerificationBudget } from '../capability/verification-budget.ts';
import type { Env } from '../env/env.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { PartyKeys } from '../receipt/receipt-keys.ts';
import { readRequest, verifyRequest, type Request } from '../receipt/request.ts';
import type { CallStore, ClaimVerdict, StoredCall } from './call-store.ts';
import type { RemoteMessage } from './remote-message.ts';
import type { TableEntry } from './tool-table.ts';

export type CallMessage = Extract<RemoteMessage, { readonly kind: 'call' }>;

export type AdmitCallParts = {
  readonly agent: AgentId;
  readonly env: Env;
  readonly keys: IssuerKeys;
  readonly budget: VerificationBudget;
  /** Requests whose capability does not hold, of each peer: its own, so that who asked for too much in vain can still use what it has. */
  readonly refusals: VerificationBudget;
  readonly calls: CallStore;
  readonly partyKeys: (did: AgentId) => PartyKeys;
};

export type ArrivedCall = {
  readonly from: AgentId;
  readonly message: CallMessage;
  readonly find: (tool: string) => TableEntry | undefined;
  /** Of its arrival. */
  readonly recorded: Promise<void>;
};

/** A request that is known to be the peer's, and that nobody else works on. */
export type Claimed = { readonly request: Request; readonly id: string };

export type AdmittedCall =
  /** May be decided by a guard. */
  | ({ readonly status: 'claimed'; readonly handle: CapabilityHandle; readonly entry: TableEntry } & Claimed)
  /** Genuine, and its capability does not hold: the refusal is recorded and signed. */
  | ({ readonly status: 'denied'; readonly denial: Denial } & Claimed)
  /** The same request again: it is answered as it was before. */
  | { readonly status: 'seen'; readonly request: Request; readonly call: StoredCall }
  /** Not known to be the peer's, or not in time: nothing is signed about it. */
  | { readonly status: 'refused'; readonly denial: Denial };

/** A caller's clock may be ahead by as much. */
const windowSeconds = 60;

/** Rejects if the arrival could not be recorded: nothing is claimed then. */
export async function admitCall(parts: AdmitCallParts, arrived: ArrivedCall): Promise<AdmittedCall> {
  const admitted = await admit(parts, arrived);
  await arrived.recorded;
  return admitted;
}

async function admit(parts: AdmitCallParts, arrived: ArrivedCall): Promise<AdmittedCall> {
  const { from, message, recorded } = arrived;
  let request: Request;
  try {
    request = readRequest(message.request);
  } catch {
    return { status: 'refused', denial: deny('POP_BAD', { constraint: 'token' }) };
  }
  const claiming = new Claiming(parts, { from, request, token: message.request, recorded });
  const entry = arrived.find(request.claims.tool);
  if (entry === undefined) return admitDenied(parts, { from, message, request, claiming }, deny('TOOL_UNGRANTED'));
  const admission = await entry.verifierFor(from).admit(message.capability, { peer: from });
  if (admission.denied !== undefined) return admitDenied(parts, { from, message, request, claiming }, admission.denied);
  const { handle } = admission;
  const { denied } = await verifyInvocation({
    proof: { token: message.request, salt: saltOf(message.salt) },
    handle,
    call: { tool: request.claims.tool, input: message.input },
    audience: parts.agent,
    replay: claiming,
    env: parts.env,
    keys: parts.keys,
    budget: parts.budget,
    peer: from,
  });
  if (denied === undefined) return { status: 'claimed', handle, entry, request, id: claiming.id };
  return (await claiming.seen()) ?? { status: 'refused', denial: denied };
}

type Denying = { readonly from: AgentId; readonly message: CallMessage; readonly request: Request; readonly claiming: Claiming };

/**
 * A refusal is signed for whoever proved that the request is his, and for nobody else. Anyone can sign requests under a capability that does
 * not hold, and each costs a verification, a signature, entries and a row that stays for a month: the draw is not given back. What comes
 * again was drawn for before.
 */
async function admitDenied(parts: AdmitCallParts, { from, message, request, claiming }: Denying, denial: Denial): Promise<AdmittedCall> {
  const { claims } = request;
  const before = await claiming.find();
  if (before !== undefined) return before;
  const now = parts.env.now() / 1000;
  const isTimely = now >= claims.iat - windowSeconds && now < claims.exp && claims.exp > claims.iat && claims.exp - claims.iat <= maxLifetimeSeconds;
  if (!isTimely || claims.aud !== parts.agent) return { status: 'refused', denial };
  const waitMs = parts.refusals.spend(from);
  if (waitMs !== undefined) return { status: 'refused', denial: deny('RATE', { retryAfter: Math.ceil(waitMs / 1000) }) };
  try {
    verifyRequest(message.request, parts.partyKeys(from));
  } catch {
    return { status: 'refused', denial };
  }
  const verdict = await claiming.add({ id: `${request.kid} ${claims.jti}`, from: claims.iat * 1000, until: claims.exp * 1000 }, parts.env.now());
  if (verdict === 'new') return { status: 'denied', denial, request, id: claiming.id };
  return (await claiming.seen()) ?? { status: 'refused', denial };
}

type Call = { readonly from: AgentId; readonly request: Request; readonly token: string; readonly recorded: Promise<void> };

/** The call store in the place of a replay set: of all who present one proof one may run the call, and the others learn what came of it. */
class Claiming implements ReplayStore {
  readonly #parts: AdmitCallParts;
  readonly #call: Call;
  #claimed: ClaimVerdict | undefined;
  id = '';

  constructor(parts: AdmitCallParts, call: Call) {
    this.#parts = parts;
    this.#call = call;
  }

  async add(proof: { readonly id: string; readonly from: number; readonly until: number }, nowMs: number): Promise<ClaimVerdict['verdict']> {
    const { from: peer, request, token, recorded } = this.#call;
    await recorded;
    this.id = proof.id;
    this.#claimed = await this.#parts.calls.claim({ ...proof, request: request.hash, peer, token }, nowMs);
    return this.#claimed.verdict;
  }

  /** The same request of the same peer, if that is why the proof was refused: by its id, or because its time is over by now. */
  async seen(): Promise<AdmittedCall | undefined> {
    return this.#claimed?.verdict === 'seen' ? this.#same(this.#claimed.call) : this.find();
  }

  async find(): Promise<AdmittedCall | undefined> {
    return this.#same(await this.#parts.calls.find(this.#call.request.hash));
  }

  #same(call: StoredCall | undefined): AdmittedCall | undefined {
    const { from, request } = this.#call;
    return call?.request === request.hash && call.peer === from ? { status: 'seen', request, call } : undefined;
  }
}

function saltOf(text: string): Uint8Array | undefined {
  try {
    return decodeBase64url(text);
  } catch {
    return undefined;
  }
}
