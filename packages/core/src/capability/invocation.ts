/** Proof of possession: the holder signs each call that leaves its process (docs/spec/05 §6). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import type { Env } from '../env/env.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Signer } from '../identity/signer.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import type { CapabilityCall } from './authorize.ts';
import { maxIdLength, maxLifetimeSeconds, maxToolNameLength } from './bounds.ts';
import { CapabilityHandle, type Admitted } from './capability-handle.ts';
import { deny, type Denial, type ReachedCode } from './denial.ts';
import { importHolder, type IssuerKeys } from './issuer-keys.ts';
import type { Link } from './link.ts';
import type { ReplayStore } from './replay-store.ts';
import { commitmentSaltLength, commitToArgs, opensToArgs } from './salted-commitment.ts';
import {
  claimShape,
  expectHeader,
  isHash,
  isJti,
  isSeconds,
  isTextOf,
  isVersion,
  readStatement,
  readStatementClaims,
  signStatement,
  verifyStatement,
  type ExpectedHeader,
} from './signed-claims.ts';
import { TokenFault } from './token-fault.ts';
import type { VerificationBudget } from './verification-budget.ts';

export const invocationType = 'talos-inv+jwt';

/** What the holder signs for one call. Times in seconds since 1970. */
export type InvocationClaims = {
  readonly v: 1;
  /** Who is asked: one exact id. */
  readonly aud: string;
  /** SHA-256 of the leaf, base64url. */
  readonly cap: string;
  readonly tool: string;
  /** Salted commitment to the arguments, base64url. */
  readonly args_commit: string;
  /** The caller's id of the call. */
  readonly call: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  /** Where the caller's own entry stands: origin of its log. */
  readonly log?: string;
};

export type Invocation = {
  /** The proof, a compact JWS: travels beside the call. */
  readonly token: string;
  /** 32 bytes that open `args_commit`: travel beside the arguments, never in anything signed or logged. */
  readonly salt: Uint8Array;
};

export type InvocationRequest = CapabilityCall & {
  readonly aud: string;
  /** SHA-256 of the leaf, base64url. */
  readonly cap: string;
  readonly call: string;
  /** Seconds since 1970 until which the call may wait: its own deadline, and the leaf's `exp` if that is sooner. A minute if not said. */
  readonly until?: number;
  readonly log?: string;
};

/** Seconds that a proof without a deadline holds, and that a caller's clock may be ahead. */
const windowSeconds = 60;

/** Our longest proof is about half of this. */
const maxInvocationLength = 4096;

const shape = /* @__PURE__ */ claimShape(
  {
    v: isVersion,
    aud: /* @__PURE__ */ isTextOf(maxIdLength),
    cap: isHash,
    tool: /* @__PURE__ */ isTextOf(maxToolNameLength),
    args_commit: isHash,
    call: /* @__PURE__ */ isTextOf(maxIdLength),
    iat: isSeconds,
    exp: isSeconds,
    jti: isJti,
  },
  { log: /* @__PURE__ */ isTextOf(maxIdLength) },
);

/** By link: making the header anew costs as much as reading the claims. */
const headers = /* @__PURE__ */ new WeakMap<Link, ExpectedHeader>();

/**
 * Signs one call with the holder's key.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if a verifier would refuse the shape of it.
 */
export async function issueInvocation(request: InvocationRequest, { signer, env }: { readonly signer: Signer; readonly env: Env }): Promise<Invocation> {
  const { tool, input, aud, cap, call, until, log } = request;
  const salt = env.randomBytes(commitmentSaltLength);
  const iat = Math.floor(env.now() / 1000);
  const exp = Math.min(until ?? iat + windowSeconds, iat + maxLifetimeSeconds);
  const claims = {
    v: 1,
    aud,
    cap,
    tool,
    args_commit: commitToArgs(input, salt),
    call,
    iat,
    exp,
    jti: encodeBase64url(env.randomBytes(16)),
    ...(log === undefined ? {} : { log }),
  };
  try {
    if (exp <= iat) throw new TokenFault('POP_WINDOW', { constraint: 'until' });
    readStatementClaims(claims, shape);
  } catch (fault) {
    throw fault instanceof TokenFault
      ? new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `cannot sign this call: ${fault.details.constraint ?? 'it'} is not as docs/spec/05 says` })
      : fault;
  }
  return { token: await signStatement(invocationType, claims, signer), salt };
}

export type VerifyInvocation = {
  /** As the peer sent it; undefined if it sent none. */
  readonly proof: { readonly token: unknown; readonly salt: unknown } | undefined;
  /** The capability that the call was presented with, admitted. */
  readonly handle: CapabilityHandle;
  readonly call: CapabilityCall;
  /** Who is asked: this verifier's id, as in `admit`. */
  readonly audience: string;
  readonly replay: ReplayStore;
  readonly env: Pick<Env, 'now'>;
  readonly keys?: IssuerKeys;
  /** With `peer`: bounds what forged proofs cost. */
  readonly budget?: VerificationBudget;
  readonly peer?: string;
};

export type VerifiedInvocation = { readonly claims: InvocationClaims; readonly denied?: undefined } | { readonly denied: Denial; readonly claims?: undefined };

/**
 * Checks that the holder of the capability made this very call, for this verifier, now, and not before. Cheap comparisons first, then one
 * signature, then the replay set: only a good proof takes a place there. Total: any failure is a denial.
 */
export async function verifyInvocation(input: VerifyInvocation): Promise<VerifiedInvocation> {
  const admitted = CapabilityHandle.open(input.handle);
  if (admitted === undefined) return { denied: deny('HANDLE_UNKNOWN') };
  const refuse = (code: ReachedCode, details = {}): VerifiedInvocation => ({ denied: deny(code, { cap: admitted.leaf.key, ...details }) });
  if (input.proof === undefined || input.proof === null || input.proof.token === undefined) return refuse('POP_ABSENT');
  try {
    const claims = checkProof(input, admitted);
    const id = `${admitted.leaf.holder} ${claims.jti}`;
    const verdict = await input.replay.add({ id, from: claims.iat * 1000, until: claims.exp * 1000 }, input.env.now());
    if (verdict === 'new') return { claims };
    if (verdict === 'full') return refuse('RATE', { retryAfter: windowSeconds });
    return refuse(verdict === 'seen' ? 'POP_REPLAYED' : 'POP_WINDOW');
  } catch (fault) {
    // A replay store that cannot be asked has not said that the proof is new.
    return fault instanceof TokenFault ? refuse(fault.code, fault.details) : refuse('POP_BAD');
  }
}

function checkProof(input: VerifyInvocation, admitted: Admitted): InvocationClaims {
  const { call, audience, env } = input;
  const { token, salt } = input.proof as { readonly token: unknown; readonly salt: unknown };
  const { leaf } = admitted;
  const { statement, claims } = readProof(token, headerOf(leaf));
  checkWindow(claims, { now: env.now() / 1000, exp: leaf.claims.exp });
  if (statement.kid !== leaf.holder) throw bad('kid');
  if (claims.aud !== audience) throw bad('aud');
  if (claims.cap !== leaf.key) throw bad('cap');
  if (claims.tool !== call.tool) throw bad('tool');
  if (!(salt instanceof Uint8Array) || salt.length !== commitmentSaltLength || !opens(claims.args_commit, call.input, salt)) throw bad('args_commit');
  verifyWithin(input, () => verifyStatement(statement, holderKey(leaf.claims.cnf.jwk.x, input.keys)));
  return claims;
}

/** A proof as it was signed, for whoever keeps it: nothing is checked but its form. */
export type ReadInvocation = { readonly claims: InvocationClaims; readonly kid: string; readonly verify: (key: Ed25519PublicKey) => void };

/**
 * Reads a proof apart from the call that it was made for, as evidence: time, replay and arguments are not looked at. `verify` throws a
 * {@link TokenFault} unless this key signed it.
 * @throws {@link TokenFault} `MALFORMED` or `TOO_LARGE`.
 */
export function readInvocation(token: unknown): ReadInvocation {
  const statement = readStatement(token, { type: invocationType, maxLength: maxInvocationLength });
  const claims = readStatementClaims(statement.payload, shape) as unknown as InvocationClaims;
  return { claims, kid: statement.kid, verify: (key) => verifyStatement(statement, key) };
}

function headerOf(leaf: Link): ExpectedHeader {
  let header = headers.get(leaf);
  if (header === undefined) headers.set(leaf, (header = expectHeader(invocationType, leaf.holder)));
  return header;
}

function readProof(token: unknown, expected: ExpectedHeader) {
  try {
    const statement = readStatement(token, { type: invocationType, maxLength: maxInvocationLength, expected });
    return { statement, claims: readStatementClaims(statement.payload, shape) as unknown as InvocationClaims };
  } catch (fault) {
    throw bad(fault instanceof TokenFault ? (fault.details.constraint ?? 'token') : 'token');
  }
}

function checkWindow({ iat, exp }: InvocationClaims, limits: { readonly now: number; readonly exp: number }): void {
  const { now } = limits;
  if (exp <= iat || exp - iat > maxLifetimeSeconds || exp > limits.exp) throw new TokenFault('POP_WINDOW', { constraint: 'exp' });
  // Negated, so that a clock without a number refuses.
  if (!(now >= iat - windowSeconds && now < exp)) throw new TokenFault('POP_WINDOW');
}

function opens(commitment: string, input: JsonObject, salt: Uint8Array): boolean {
  try {
    return opensToArgs(commitment, input, salt);
  } catch {
    return false;
  }
}

function verifyWithin({ budget, peer }: VerifyInvocation, verify: () => void): void {
  const waitMs = peer === undefined ? undefined : budget?.spend(peer);
  if (waitMs !== undefined) throw new TokenFault('RATE', { retryAfter: Math.ceil(waitMs / 1000) });
  try {
    verify();
  } catch {
    throw bad('signature');
  }
  if (peer !== undefined) budget?.refund(peer);
}

function holderKey(x: string, keys: IssuerKeys | undefined): Ed25519PublicKey {
  return (keys?.holder?.(x) ?? importHolder(x)).key;
}

function bad(constraint: string): TokenFault {
  return new TokenFault('POP_BAD', { constraint });
}
