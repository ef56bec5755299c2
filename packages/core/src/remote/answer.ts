/** What a callee says of a call: S, and beside it what S commits to (docs/spec/07 §4, §8). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import type { Denial } from '../capability/denial.ts';
import type { Env } from '../env/env.ts';
import type { Signer } from '../identity/signer.ts';
import { signOutcome, type OutcomeClaims, type OutcomeStatus } from '../receipt/outcome.ts';
import { commitToResult, resultSaltLength, type ChunkHash } from '../receipt/result-commitment.ts';
import type { RemoteDenial, RemoteMessage } from './remote-message.ts';

export type ResultMessage = Extract<RemoteMessage, { readonly kind: 'result' }>;

export type AnswerParts = { readonly signer: Signer; readonly env: Env; readonly origin: string };

/** What a tool left behind: a value, the chunks of a stream, or what it threw. */
export type ToolEnd = { readonly value?: JsonValue; readonly chunks?: ChunkHash; readonly bytes: number };

export type Ended = {
  readonly request: string;
  readonly receivedAt: number;
  readonly outcome: Exclude<OutcomeStatus, 'denied'>;
  readonly end?: ToolEnd | undefined;
  readonly decisionIndex?: number | undefined;
};

export async function answerEnded({ signer, env, origin }: AnswerParts, { request, receivedAt, outcome, end, decisionIndex }: Ended): Promise<ResultMessage> {
  const salt = env.randomBytes(resultSaltLength);
  const endedAt = Math.floor(env.now());
  const claims: OutcomeClaims = {
    v: 1,
    request,
    decision: 'allow',
    outcome,
    ...formOf(salt, end),
    ...(end === undefined ? {} : { units: { calls: 1, ms: Math.max(0, endedAt - receivedAt), bytes: end.bytes } }),
    times: { received: receivedAt, ended: endedAt },
    log: origin,
    ...(decisionIndex === undefined ? {} : { decisionIndex }),
  };
  const value = end?.value === undefined ? {} : { value: end.value };
  return { kind: 'result', request, outcome: await signOutcome(claims, signer), ...(claims.form === 'none' ? {} : { salt: encodeBase64url(salt) }), ...value };
}

export type Refusing = { readonly request: string; readonly receivedAt: number; readonly denial: Denial; readonly decisionIndex: number };

export async function answerDenied({ signer, env, origin }: AnswerParts, { request, receivedAt, denial, decisionIndex }: Refusing): Promise<ResultMessage> {
  const times = { received: receivedAt, ended: Math.floor(env.now()) };
  const claims: OutcomeClaims = { v: 1, request, decision: 'deny', code: denial.code, outcome: 'denied', form: 'none', times, log: origin, decisionIndex };
  return { kind: 'result', request, outcome: await signOutcome(claims, signer), denial: shownDenial(denial) };
}

/** What a peer learns of a refusal: the field that was wrong, and no policy. */
export function shownDenial({ code, retryAfter, arg, constraint }: Denial): RemoteDenial {
  return {
    code,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(typeof arg === 'string' && arg !== '' && arg.length <= 1024 ? { arg } : {}),
    ...(typeof constraint === 'string' && constraint !== '' && constraint.length <= 256 ? { constraint } : {}),
  };
}

/** A tool's error, as its caller sees it: name and message, no stack. */
export function shownError(error: unknown): JsonObject {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: 'the tool failed' };
  return { name: clip(name, 128), message: clip(message, 2048) };
}

function clip(text: unknown, max: number): string {
  return String(text).slice(0, max).toWellFormed();
}

function formOf(salt: Uint8Array, end: ToolEnd | undefined): Pick<OutcomeClaims, 'form' | 'result_commit' | 'chunks'> {
  if (end?.chunks !== undefined) return { form: 'stream', chunks: end.chunks.count, result_commit: commitToResult({ salt, chunks: end.chunks }) };
  if (end?.value !== undefined) return { form: 'json', result_commit: commitToResult({ salt, value: end.value }) };
  return { form: 'none' };
}
