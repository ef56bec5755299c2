/** What a callee's answer is worth: its signature, its result, and whether the two agree (docs/spec/07 §12). @module */
import { decodeBase64url } from '../bytes/base64url.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import type { DenialCode } from '../capability/denial.ts';
import { TalosError } from '../errors/talos-error.ts';
import { verifyOutcome, type Outcome } from '../receipt/outcome.ts';
import type { PartyKeys } from '../receipt/receipt-keys.ts';
import type { Request } from '../receipt/request.ts';
import { verifyResult, type ChunkHash } from '../receipt/result-commitment.ts';
import type { ResultMessage } from './answer.ts';
import type { CallReceipt, RemoteResult } from './remote-result.ts';

export type AgreedAnswer = { readonly result: (receipt: CallReceipt) => RemoteResult } | { readonly disputed: string };

/** S of an answer, if the callee signed it for this request; undefined if not: it is then nothing at all. */
export function readAnswer(outcome: string, call: { readonly request: Request; readonly callee: PartyKeys }): Outcome | undefined {
  try {
    return verifyOutcome(outcome, call);
  } catch {
    return undefined;
  }
}

/**
 * Whether what came beside S is what S says; what is not is evidence against the callee.
 * @param chunks - Of the chunks that came in order; undefined if none were asked for.
 */
export function checkAnswer(outcome: Outcome, answer: ResultMessage, chunks: ChunkHash | undefined): AgreedAnswer {
  try {
    checkResult(outcome, answer, chunks);
    return { result: (receipt) => resultOf(outcome, answer, receipt) };
  } catch (error) {
    return { disputed: TalosError.isInstance(error) ? error.message : 'the answer is not of the form of its outcome' };
  }
}

/** @throws if the result is not the one that was signed. */
function checkResult({ claims }: Outcome, { value, salt, denial }: ResultMessage, chunks: ChunkHash | undefined): void {
  if ((denial !== undefined) !== (claims.decision === 'deny') || denial?.code !== claims.code) throw new TypeError('denial');
  if (claims.form === 'none') {
    if (value !== undefined) throw new TypeError('value');
    return;
  }
  const opened = { salt: decodeBase64url(salt ?? '') };
  if (claims.form === 'stream') {
    if (chunks === undefined) throw new TypeError('form');
    return verifyResult(claims, { ...opened, chunks });
  }
  if (value === undefined) throw new TypeError('value');
  verifyResult(claims, { ...opened, value });
}

function resultOf({ claims }: Outcome, { value, denial }: ResultMessage, receipt: CallReceipt): RemoteResult {
  switch (claims.outcome) {
    case 'ok':
      return { status: 'ok', value: claims.form === 'json' ? value : undefined, receipt };
    case 'denied':
      return { status: 'denied', denial: denial ?? { code: claims.code as DenialCode }, receipt };
    case 'tool_error':
      return { status: 'error', error: errorOf(value), receipt };
    case 'cancelled':
    case 'timeout':
      return { status: 'cancelled', reason: claims.outcome, receipt };
    case 'unknown':
      return { status: 'unknown', reason: 'callee', receipt };
  }
}

function errorOf(value: JsonValue | undefined): { readonly name: string; readonly message: string } {
  const { name, message } = (typeof value === 'object' && value !== null ? value : {}) as { readonly name?: unknown; readonly message?: unknown };
  return { name: typeof name === 'string' ? name : 'Error', message: typeof message === 'string' ? message : 'the tool failed' };
}
