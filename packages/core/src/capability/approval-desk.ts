/** Where calls that need a person wait: makes requests, takes answers in, and says which approval a call may use (docs/spec/05 §5). @module */
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import type { Env } from '../env/env.ts';
import { keyThumbprint, type AgentId } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import {
  hashRequest,
  readApproval,
  readApprovalRequest,
  signApprovalRequest,
  type ApprovalClaims,
  type ApprovalOpening,
  type ApprovalRequestClaims,
} from './approval.ts';
import type { ApprovalStore, StoredRequest } from './approval-store.ts';
import type { CompiledApprove } from './approve-claim.ts';
import type { Refused } from './authorize.ts';
import { clockSkewSeconds } from './bounds.ts';
import { deny, type DenialDetails, type ReachedCode } from './denial.ts';
import { didKeys, type IssuerKeys } from './issuer-keys.ts';
import type { Charge } from './limit-store.ts';
import type { ConditionedCall } from './reservation.ts';
import { commitmentSaltLength, commitToArgs, commitToText } from './salted-commitment.ts';
import { verifyStatement } from './signed-claims.ts';
import { TokenFault } from './token-fault.ts';

export type ApprovalDeskOptions = {
  readonly store: ApprovalStore;
  /** Who asks, and signs the requests: the agent whose calls these are, or the one that is asked to run them. */
  readonly agent: AgentId;
  readonly signer: Signer;
  /** Where its calls run, as in `admit`. */
  readonly audience: string;
  readonly env: Env;
  readonly keys?: IssuerKeys;
  /** What an approver is to read about a call. Default: tool and arguments as canonical JSON. `holder`: thumbprint of the key whose call it is. */
  readonly describe?: (call: { readonly tool: string; readonly input: JsonObject; readonly holder: string }) => string;
};

/** The condition of one link that applies to a call. */
export type ApprovalStep = { readonly link: number; readonly approve: CompiledApprove };

/** Enough answers for a call. Spent by its charges, in the reservation of the call's limits. */
export type UsableApproval = { readonly request: string; readonly charges: readonly Charge[]; readonly denied?: undefined };

/** A request that waits, with all that an approver needs. */
export type OpenRequest = ApprovalOpening & {
  readonly request: string;
  readonly tool: string;
  readonly by: readonly AgentId[];
  readonly m: number;
  readonly answered: readonly AgentId[];
};

export type Submitted = { readonly verdict: 'allow' | 'deny'; readonly denied?: undefined } | Refused;

/** Requests that wait for one tool and grant: an agent that tries variations must not flood its approvers. */
const maxOpenRequests = 64;

/** The reader's own form: what a request alone does not say. */
type Body = { readonly token: string; readonly input: string; readonly salt: string; readonly shown: string; readonly shownSalt: string };
type Case = { readonly id: string; readonly body: Body; readonly claims: ApprovalRequestClaims };

export class ApprovalDesk {
  readonly #options: ApprovalDeskOptions;
  readonly #keys: IssuerKeys;

  constructor(options: ApprovalDeskOptions) {
    this.#options = options;
    this.#keys = options.keys ?? didKeys();
  }

  /** What may be used for a call, or why it may not run: `APPROVAL_REQUIRED` with a signed request, or `APPROVAL_DENIED`. */
  async find(call: ConditionedCall, step: ApprovalStep): Promise<UsableApproval | Refused> {
    const place = placeOf(call, step);
    const cases = (await this.#options.store.requests(place)).map(readCase);
    const matching = cases.filter((asked) => isAbout(asked, call, step));
    for (const asked of matching) {
      const answers = await this.#answers(asked, call, step);
      const refusal = answers.find(({ verdict }) => verdict === 'deny');
      if (refusal !== undefined) return refuse('APPROVAL_DENIED', { ...at(call, step), retryAfter: Math.max(1, Math.ceil(refusal.exp - call.now / 1000)) });
      if (answers.length >= step.approve.m) return { request: asked.id, charges: answers.slice(0, step.approve.m).map(chargeOf) };
    }
    const open = matching.find(({ claims }) => call.now < claims.exp * 1000);
    if (open !== undefined) return refuse('APPROVAL_REQUIRED', { ...at(call, step), request: open.body.token });
    if (cases.filter(({ claims }) => call.now < claims.exp * 1000).length >= maxOpenRequests) return refuse('APPROVAL_REQUIRED', at(call, step));
    return refuse('APPROVAL_REQUIRED', { ...at(call, step), request: await this.#ask(call, step, place) });
  }

  /** Called for an approval whose charge was refused: it is used up. */
  async putAway({ request }: UsableApproval): Promise<void> {
    await this.#options.store.removeRequest(request);
  }

  /** The requests that wait for an answer. */
  async open(): Promise<readonly OpenRequest[]> {
    const { store, env } = this.#options;
    const open: OpenRequest[] = [];
    for (const { id, body, claims } of (await store.requests()).map(readCase)) {
      if (!(env.now() < claims.exp * 1000)) continue;
      const answered = (await store.answers(id)).map(({ approver }) => approver as AgentId);
      open.push({ ...openingOf(body), request: body.token, tool: claims.tool, by: claims.by, m: claims.m, answered });
    }
    return open;
  }

  /**
   * Takes an answer in. It is checked now, so that a wrong one is told at once, and again when it is used.
   * @returns The verdict, or why it does not count: `MALFORMED`, `SIG_BAD`, `EXPIRED`, `APPROVAL_MISMATCH`.
   */
  async submit(token: string): Promise<Submitted> {
    const { store, env } = this.#options;
    try {
      const { claims } = readApproval(token);
      const stored = await store.request(claims.request);
      if (stored === undefined) return refuse('APPROVAL_MISMATCH', { constraint: 'request' });
      const asked = readCase(stored);
      this.#verify(token, asked, { by: asked.claims.by, now: env.now() });
      const added = await store.addAnswer({ request: asked.id, approver: claims.iss, token });
      return added ? { verdict: claims.verdict } : refuse('APPROVAL_MISMATCH', { constraint: 'request' });
    } catch (fault) {
      if (fault instanceof TokenFault) return refuse(fault.code, fault.details);
      throw fault;
    }
  }

  async #answers(asked: Case, call: ConditionedCall, { approve }: ApprovalStep): Promise<ApprovalClaims[]> {
    const answers: ApprovalClaims[] = [];
    const holders = call.path.map(({ link }) => link.holder);
    for (const { token, approver } of await this.#options.store.answers(asked.id)) {
      try {
        const claims = this.#verify(token, asked, { by: approve.by, now: call.now, holders });
        if (claims.iss === approver) answers.push(claims);
      } catch (fault) {
        if (!(fault instanceof TokenFault)) throw fault;
      }
    }
    return answers;
  }

  /** That this approver says this about this request. `holders`: keys of the chain, which may not approve what they themselves do or passed on. */
  #verify(
    token: string,
    { id, claims: asked }: Case,
    rule: { readonly by: readonly AgentId[]; readonly now: number; readonly holders?: readonly string[] },
  ): ApprovalClaims {
    const { statement, claims } = readApproval(token);
    checkSubject(claims, asked, id);
    if (!rule.by.includes(claims.iss)) throw mismatch('iss');
    // Negated, so that a clock without a number refuses.
    if (!(rule.now >= (claims.iat - clockSkewSeconds) * 1000 && rule.now < claims.exp * 1000)) throw new TokenFault('EXPIRED');
    const key = this.#keys.resolve(claims.iss, statement.kid);
    if (key === undefined) throw new TokenFault('KEY_UNRESOLVED');
    if (encodeBase64url(key.bytes) === asked.cnf.jwk.x || rule.holders?.includes(keyThumbprint(key)) === true) throw mismatch('iss');
    verifyStatement(statement, key);
    return claims;
  }

  async #ask(call: ConditionedCall, { approve }: ApprovalStep, place: string): Promise<string> {
    const { agent, signer, audience, env, store, describe = describeCall } = this.#options;
    const salt = env.randomBytes(commitmentSaltLength);
    const shownSalt = env.randomBytes(commitmentSaltLength);
    const shown = describe({ tool: call.tool, input: call.input, holder: call.path.at(-1)?.link.holder ?? '' });
    const iat = Math.floor(call.now / 1000);
    const { by, m, ttl, reuse, count } = approve;
    const cnf = { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(signer.publicKey.bytes) } } as const;
    const commitments = { args_commit: commitToArgs(call.input, salt), shown: commitToText('shown', shownSalt, shown) };
    const rule = { by, m, ttl, reuse, ...(count === undefined ? {} : { count }) };
    const jti = encodeBase64url(env.randomBytes(16));
    const claims: ApprovalRequestClaims = {
      v: 1,
      iss: agent,
      cnf,
      cap: call.cap,
      aud: audience,
      tool: call.tool,
      ...commitments,
      ...rule,
      iat,
      exp: iat + ttl,
      jti,
    };
    const token = await signApprovalRequest(claims, signer);
    const body: Body = { token, input: canonicalJson(call.input), salt: encodeBase64url(salt), shown, shownSalt: encodeBase64url(shownSalt) };
    // Kept until the last answer that may come in time has ended.
    const until = (claims.exp + ttl + clockSkewSeconds) * 1000;
    await store.addRequest({ id: hashRequest(token), place, body: JSON.stringify(body), until }, call.now);
    return token;
  }
}

/** That the answer is to this request, member for member. */
function checkSubject(claims: ApprovalClaims, asked: ApprovalRequestClaims, request: string): void {
  for (const member of ['cap', 'aud', 'tool', 'args_commit', 'shown', 'reuse', 'count'] as const) {
    if (claims[member] !== asked[member]) throw mismatch(member);
  }
  if (claims.request !== request) throw mismatch('request');
  if (claims.cnf.jwk.x !== asked.cnf.jwk.x) throw mismatch('cnf');
  if (claims.iat > asked.exp || claims.exp > claims.iat + asked.ttl) throw mismatch('exp');
}

function describeCall({ tool, input }: { readonly tool: string; readonly input: JsonObject }): string {
  return canonicalJson({ tool, arguments: input });
}

function placeOf({ cap, tool, path }: ConditionedCall, { link }: ApprovalStep): string {
  return `${cap} ${link}.${path[link]?.grant.index} ${tool}`;
}

/** A pattern is about every call of its place, an exact one about the arguments that it commits to. */
function isAbout({ body, claims }: Case, { input }: ConditionedCall, { approve }: ApprovalStep): boolean {
  return approve.reuse === 'pattern' || commitToArgs(input, decodeBase64url(body.salt)) === claims.args_commit;
}

function readCase({ id, body }: StoredRequest): Case {
  const parsed = parseStrictJson(body) as unknown as Body;
  return { id, body: parsed, claims: readApprovalRequest(parsed.token).claims };
}

function openingOf({ input, salt, shown, shownSalt }: Body): ApprovalOpening {
  return { input: parseStrictJson(input, { maxDepth: 64 }) as JsonObject, salt: decodeBase64url(salt), shown, shownSalt: decodeBase64url(shownSalt) };
}

function chargeOf({ iss, jti, iat, exp, reuse, count }: ApprovalClaims): Charge {
  const max = reuse === 'pattern' ? (count ?? 1) : 1;
  return { key: `approval ${iss} ${jti}`, rule: { kind: 'total', max }, amount: 1, from: iat * 1000, until: (exp + clockSkewSeconds) * 1000 };
}

function at({ cap, path }: ConditionedCall, { link }: ApprovalStep): DenialDetails {
  const grant = path[link]?.grant.index;
  return { cap, link, ...(grant === undefined ? {} : { grant }) };
}

function refuse(code: ReachedCode, details: DenialDetails): Refused {
  return { denied: deny(code, details) };
}

function mismatch(constraint: string): TokenFault {
  return new TokenFault('APPROVAL_MISMATCH', { constraint });
}
