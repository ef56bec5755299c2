/** The entries of one call: `tool.request` and `tool.result` when allowed, `policy.decision` alone when refused (docs/spec/03 §3). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { AppendedEntry, EntryInput } from '../audit/audit-log.ts';
import type { Denial } from '../capability/denial.ts';
import type { CopiedCall, ToolCall } from './tool-call.ts';
import { copyPlain } from './plain-json.ts';

export type CallSubject = { readonly agent: AgentId; readonly capabilityHash: string };

export type SharedEntry = Omit<EntryInput, 'type'>;

/** How a tool ended. `cancelled`: its signal was aborted; what it did until then stands. */
export type Outcome<T> = { readonly status: 'ok'; readonly value: T } | { readonly status: 'error'; readonly error: unknown };

/** `revoked`: the capability was taken back while the tool ran. */
export type Ending = { readonly cancelled: boolean; readonly revoked: boolean };

/** A name that came from a model goes into the log only when it looks like a name: it could carry anything, and entries are not erased. */
const recordableName = /^[A-Za-z0-9_./#:@-]{1,128}$/;

/**
 * @param shared - As {@link callEntry} makes it.
 * @param instead - The refusal that a guard which only observes did not make.
 */
export function requestEntry(shared: SharedEntry, call: CopiedCall, instead?: Denial): EntryInput {
  const policy = { decision: 'allow', ...(instead && { mode: 'observe', would: 'deny', ...refusalDetails(instead) }) };
  return { ...shared, type: 'tool.request', policy, commit: { args: call.input } };
}

export function refusalEntry(subject: CallSubject, call: ToolCall, denial: Denial): EntryInput {
  const input = copyPlain(call.input ?? {});
  const policy = { decision: 'deny', ...refusalDetails(denial) };
  return { ...callEntry(subject, call), type: 'policy.decision', policy, ...('copy' in input && { commit: { args: input.copy } }) };
}

export function resultEntry(
  request: { readonly shared: SharedEntry; readonly appended: AppendedEntry },
  outcome: Outcome<unknown>,
  ending: Ending,
): EntryInput {
  const base = {
    ...request.shared,
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

/** What all entries of one call have in common. */
export function callEntry(subject: CallSubject, call: ToolCall): SharedEntry {
  return {
    agent: subject.agent,
    call: named(call.callId),
    cap: subject.capabilityHash,
    framework: named(call.framework),
    'gen_ai.agent.name': named(call.agentName),
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.call.id': named(call.callId),
    'gen_ai.tool.name': named(call.tool),
    peer: named(call.peer),
    run: named(call.runId),
  };
}

/** The member `field`, if the value may be recorded in clear. */
export function recordable(field: string, value: unknown): Record<string, string> {
  const name = named(value);
  return name === undefined ? {} : { [field]: name };
}

function named(value: unknown): string | undefined {
  return typeof value === 'string' && recordableName.test(value) ? value : undefined;
}

/** A result that is no plain JSON (a stream, a class instance) is recorded as such and not committed to: its bytes would mean nothing. */
function commitResult(value: unknown): Pick<EntryInput, 'commit'> & { readonly result_form: string } {
  if (value === undefined) return { result_form: 'none' };
  const plain = copyPlain(value);
  if ('notPlain' in plain) return { result_form: 'opaque' };
  return { result_form: 'json', commit: { result: plain.copy } };
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
