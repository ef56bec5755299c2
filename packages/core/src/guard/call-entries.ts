/** The entries of one call: `tool.request` and `tool.result` when allowed, `policy.decision` alone when refused (docs/spec/03 §3). @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import { encodeBase64url } from '../bytes/base64url.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { AppendedEntry, EntryInput } from '../audit/audit-log.ts';
import type { Denial } from '../capability/denial.ts';
import type { CopiedCall, ToolCall } from './tool-call.ts';
import { copyPlain } from './plain-json.ts';

export type CallSubject = { readonly agent: AgentId; readonly capabilityHash: string };

/** How a tool ended. `cancelled`: its signal was aborted; what it did until then stands. */
export type Outcome<T> = { readonly status: 'ok'; readonly value: T } | { readonly status: 'error'; readonly error: unknown };

/** `revoked`: the capability was taken back while the tool ran. */
export type Ending = { readonly cancelled: boolean; readonly revoked: boolean };

/** A name that came from a model goes into the log only when it looks like a name: it could carry anything, and entries are not erased. */
const recordableName = /^[A-Za-z0-9_./#:@-]{1,128}$/;

/** @param instead - The refusal that a guard which only observes did not make. */
export function requestEntry(subject: CallSubject, call: CopiedCall, instead?: Denial): EntryInput {
  const policy = { decision: 'allow', ...(instead && { mode: 'observe', would: 'deny', ...refusalDetails(instead) }) };
  return { ...callEntry(subject, call), type: 'tool.request', policy, commit: { args: encodeUtf8(canonicalJson(call.input)) } };
}

export function refusalEntry(subject: CallSubject, call: ToolCall, denial: Denial): EntryInput {
  const input = copyPlain(call.input ?? {});
  const policy = { decision: 'deny', ...refusalDetails(denial) };
  return { ...callEntry(subject, call), type: 'policy.decision', policy, ...('copy' in input && { commit: { args: encodeUtf8(canonicalJson(input.copy)) } }) };
}

export function resultEntry(request: { readonly entry: EntryInput; readonly appended: AppendedEntry }, outcome: Outcome<unknown>, ending: Ending): EntryInput {
  const { policy: _policy, commit: _commit, ...shared } = request.entry;
  const base = {
    ...shared,
    type: 'tool.result',
    intent: encodeBase64url(request.appended.leafHash),
    ...(ending.revoked && { revoked_in_flight: true }),
  } as const;
  if (outcome.status === 'ok') return { ...base, outcome: 'ok', ...commitResult(outcome.value) };
  return { ...base, outcome: ending.cancelled ? 'cancelled' : 'tool_error', ...recordable('error.type', errorName(outcome.error)) };
}

function refusalDetails({ code, arg, constraint }: Denial): Record<string, string> {
  return { code, ...recordable('arg', arg), ...recordable('constraint', constraint) };
}

function callEntry(subject: CallSubject, call: ToolCall): Omit<EntryInput, 'type'> {
  return {
    agent: subject.agent,
    cap: subject.capabilityHash,
    'gen_ai.operation.name': 'execute_tool',
    ...recordable('gen_ai.tool.name', call.tool),
    ...recordable('call', call.callId),
    ...recordable('gen_ai.tool.call.id', call.callId),
    ...recordable('peer', call.peer),
    ...recordable('gen_ai.agent.name', call.agentName),
    ...recordable('run', call.runId),
    ...recordable('framework', call.framework),
  };
}

/** The member `field`, if the value may be recorded in clear. */
export function recordable(field: string, value: unknown): Record<string, string> {
  return typeof value === 'string' && recordableName.test(value) ? { [field]: value } : {};
}

/** A result that is no plain JSON (a stream, a class instance) is recorded as such and not committed to: its bytes would mean nothing. */
function commitResult(value: unknown): { readonly commit?: Record<string, Uint8Array>; readonly result_form: string } {
  if (value === undefined) return { result_form: 'none' };
  const plain = copyPlain(value);
  if ('notPlain' in plain) return { result_form: 'opaque' };
  return { result_form: 'json', commit: { result: encodeUtf8(canonicalJson(plain.copy)) } };
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
