/** S: what became of a request, signed by who was asked (docs/spec/07 §4). @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { DenialCode } from '../capability/denial.ts';
import { claimShape, isHash, isTextOf, isVersion, readStatementClaims, type ClaimReader } from '../capability/signed-claims.ts';
import type { Signer } from '../identity/signer.ts';
import { formatEnvelope, parseEnvelope, signPayload, verifyPayload, type EnvelopeSignature } from './dsse.ts';
import { malformed, refuse } from './refuse.ts';
import type { PartyKeys } from './receipt-keys.ts';
import type { Request } from './request.ts';

/** `unknown`: the callee began and its process ended; nobody can say what the tool did. */
export type OutcomeStatus = 'ok' | 'tool_error' | 'cancelled' | 'timeout' | 'denied' | 'unknown';

/** What the callee says and signs. Times in milliseconds since 1970, by its clock. */
export type OutcomeClaims = {
  readonly v: 1;
  /** SHA-256 of R, base64url: capability, tool, arguments and parties are bound by it. */
  readonly request: string;
  readonly decision: 'allow' | 'deny';
  /** Why, if it was refused. */
  readonly code?: DenialCode;
  readonly outcome: OutcomeStatus;
  /** `json`: one value. `stream`: chunks in order. `none`: nothing came back. */
  readonly form: 'json' | 'stream' | 'none';
  /** Salted commitment to the result, base64url; absent if there is none. */
  readonly result_commit?: string;
  /** How many, of a stream. */
  readonly chunks?: number;
  /** What was used, whole numbers by name: `calls`, `ms`, `bytes`, `tokens`. */
  readonly units?: { readonly [unit: string]: number };
  /** `amount` as decimal text. */
  readonly cost?: { readonly unit: string; readonly amount: string };
  readonly times: { readonly received: number; readonly ended: number };
  /** Origin of the callee's log. */
  readonly log: string;
  /** Index of the decision in that log; absent only where the outcome is `unknown`. */
  readonly decisionIndex?: number;
};

/** A signed outcome, read. */
export type Outcome = {
  readonly claims: OutcomeClaims;
  /** What was signed. */
  readonly payload: Uint8Array;
  readonly signature: EnvelopeSignature;
};

const maxLogName = 256;
const maxUnits = 8;

const unitName = /^[A-Za-z][\w.-]{0,31}$/;
const decimal = /^\d{1,20}(\.\d{1,15})?$/;
const denialCode = /^[A-Z][A-Z_]{2,31}$/;
const statuses: ReadonlySet<unknown> = /* @__PURE__ */ new Set<OutcomeStatus>(['ok', 'tool_error', 'cancelled', 'timeout', 'denied', 'unknown']);

const isCount: ClaimReader = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

const timesShape = /* @__PURE__ */ claimShape({ received: isCount, ended: isCount });
const costShape = /* @__PURE__ */ claimShape({
  unit: (value) => typeof value === 'string' && unitName.test(value),
  amount: (value) => typeof value === 'string' && decimal.test(value),
});

const shape = /* @__PURE__ */ claimShape(
  {
    v: isVersion,
    request: isHash,
    decision: (value) => value === 'allow' || value === 'deny',
    outcome: (value) => statuses.has(value),
    form: (value) => value === 'json' || value === 'stream' || value === 'none',
    times: (value) => isObject(value) && readStatementClaims(value, timesShape) === value,
    log: /* @__PURE__ */ isTextOf(maxLogName),
  },
  {
    // Open to codes of later versions: a receipt is evidence of what was said.
    code: (value) => typeof value === 'string' && denialCode.test(value),
    result_commit: isHash,
    chunks: isCount,
    units: isUnits,
    cost: (value) => isObject(value) && readStatementClaims(value, costShape) === value,
    decisionIndex: isCount,
  },
);

/**
 * Signs what became of a request.
 * @returns S: the text of a DSSE envelope with one signature.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if a reader would refuse the claims.
 */
export async function signOutcome(claims: OutcomeClaims, signer: Signer): Promise<string> {
  let payload: Uint8Array;
  try {
    payload = encodeUtf8(canonicalJson(readClaims(claims as unknown as JsonObject) as unknown as JsonObject));
  } catch (cause) {
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'these claims are no outcome as docs/spec/07 says', cause });
  }
  return formatEnvelope({ payload, signatures: [await signPayload(payload, signer)] });
}

/** Reads S without a look at its signature. @throws {@link ReceiptError} `TALOS_RECEIPT_MALFORMED`. */
export function readOutcome(outcome: string): Outcome {
  const { payload, signatures } = parseEnvelope(outcome);
  const [signature, second] = signatures;
  if (signature === undefined || second !== undefined) throw malformed('the outcome');
  return { claims: parseClaims(payload), payload, signature };
}

/**
 * Reads S and checks that the callee signed it and that it answers this very request.
 * @throws {@link ReceiptError} `TALOS_RECEIPT_MALFORMED`, `_SIGNATURE`, `_MISMATCH`.
 */
export function verifyOutcome(outcome: string, { request, callee }: { readonly request: Pick<Request, 'hash'>; readonly callee: PartyKeys }): Outcome {
  const read = readOutcome(outcome);
  if (read.claims.request !== request.hash) throw refuse('TALOS_RECEIPT_MISMATCH', 'the outcome is that of another request');
  verifyPayload(read.payload, read.signature, callee);
  return read;
}

/** @throws {@link ReceiptError} `TALOS_RECEIPT_MALFORMED`. */
function parseClaims(payload: Uint8Array): OutcomeClaims {
  try {
    return readClaims(parseStrictJson(decodeUtf8(payload)));
  } catch {
    throw malformed('the outcome');
  }
}

/** Throws whatever it meets. */
function readClaims(value: JsonValue): OutcomeClaims {
  if (!isObject(value)) throw malformed('the outcome');
  const claims = readStatementClaims(value, shape) as unknown as OutcomeClaims;
  checkTogether(claims);
  return claims;
}

/** Members that contradict each other would let two readers see two outcomes in one receipt. */
function checkTogether({ decision, code, outcome, form, result_commit: commit, chunks, decisionIndex }: OutcomeClaims): void {
  const isDenied = decision === 'deny';
  if (isDenied !== (outcome === 'denied') || isDenied !== (code !== undefined)) throw malformed('decision');
  if ((form === 'none') !== (commit === undefined) || (form === 'stream') !== (chunks !== undefined)) throw malformed('form');
  if ((isDenied || outcome === 'unknown') && form !== 'none') throw malformed('form');
  if (decisionIndex === undefined && outcome !== 'unknown') throw malformed('decisionIndex');
}

function isUnits(value: JsonValue): boolean {
  if (!isObject(value)) return false;
  const names = Object.keys(value);
  return names.length <= maxUnits && names.every((name) => unitName.test(name) && isCount(value[name] as JsonValue));
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
