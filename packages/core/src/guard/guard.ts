/**
 * The hallway of a tool call: authorize → reserve → log → execute → log. The one place that decides; adapters only translate.
 * @module
 */
import type { AppendedEntry } from '../audit/audit-log.ts';
import type { AuditWriter } from '../audit/audit-writer.ts';
import { authorize } from '../capability/authorize.ts';
import type { CapabilityHandle } from '../capability/capability-handle.ts';
import { deny, type Denial } from '../capability/denial.ts';
import type { Permit } from '../capability/permit.ts';
import type { ObserveMode } from '../capability/observe.ts';
import type { Reservations } from '../capability/reservation.ts';
import { endedCode, reserve, settleGrant, spendGrant, type Grant } from '../capability/reserve.ts';
import { requireObject } from '../errors/require.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { AgentEvent } from './agent-event.ts';
import { callEntry, refusalEntry, requestEntry, resultEntry, type CallSubject, type Outcome, type SharedEntry } from './call-entries.ts';
import { copyPlainObject } from './plain-json.ts';
import { deniedError, refusalOf, type Refusal } from './refusal.ts';
import { watchCall, type RunningCall } from './running-call.ts';
import { copyToolCall, type CopiedCall, type ToolCall } from './tool-call.ts';

export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly denial: Denial; readonly refusal: Refusal; readonly entryId?: string };

export type Denied = { readonly status: 'denied'; readonly denial: Denial; readonly refusal: Refusal; readonly entryId?: string };

/** `unlogged`: the tool ran, and its result could not be recorded; the log shows a request without a result. */
export type GuardedResult<T> = Denied | (Outcome<T> & { readonly entryId?: string; readonly unlogged?: true });

/**
 * @param input - The guard's own copy of the arguments, plain JSON, for the tool to keep.
 * @param signal - Aborts when the call's own signal does, and when the capability is revoked while the tool runs.
 */
export type Execute<T> = (input: JsonObject, grant: Grant, signal: AbortSignal) => T | Promise<T>;

export interface Guard {
  /** Whose capability this guard holds and in whose name it records. */
  readonly agent: AgentId;
  /** Decides, records, runs, records. Never throws for a refusal or for what the tool throws: both are results. */
  run<T>(call: ToolCall, execute: Execute<T>): Promise<GuardedResult<T>>;
  /** The same for a tool that yields. @throws {@link TalosDeniedError} at the first `next()` when refused; what the tool throws passes through. */
  iterate<T>(call: ToolCall, execute: Execute<AsyncIterable<T>>): AsyncGenerator<T, { readonly unlogged?: true }, undefined>;
  /** For a framework's own hook: refuses early. An allow is not recorded, reserves nothing and is no permission: the wrapped tool decides again. */
  check(call: ToolCall): Promise<Decision>;
  /** Puts on record what is no tool call. It decides nothing. Rejects if it could not be recorded. */
  record(event: AgentEvent): Promise<void>;
}

export type GuardContext = {
  readonly agent: AgentId;
  /** Admits the capability on first use, so that a guard can be made before anything is awaited. */
  readonly admit: () => Promise<{ readonly handle: CapabilityHandle } | { readonly denied: Denial }>;
  readonly capabilityHash: string;
  /** An `AuditLog`, or its appending half. */
  readonly log: Pick<AuditWriter, 'append'>;
  /** Where limits are counted and approvals kept. Without it calls that need either are refused. */
  readonly reservations?: Reservations;
  /** Runs calls that the grants refuse, and records that they would have been: `observeMode`. A capability cannot switch it on. */
  readonly observe?: ObserveMode;
};

export function createGuard(context: GuardContext): Guard {
  return {
    agent: context.agent,
    run: (call, execute) => run(context, call, execute),
    iterate: (call, execute) => iterate(context, call, execute),
    check: (call) => check(context, call),
    record: (event) => import('./agent-event.ts').then(({ recordEvent }) => recordEvent(context, event)),
  };
}

async function run<T>(context: GuardContext, call: ToolCall, execute: Execute<T>): Promise<GuardedResult<T>> {
  const begun = await begin(context, call);
  if ('status' in begun) return begun;
  return conclude(context, begun, await settle(() => start(begun, execute)));
}

async function* iterate<T>(
  context: GuardContext,
  call: ToolCall,
  execute: Execute<AsyncIterable<T>>,
): AsyncGenerator<T, { readonly unlogged?: true }, undefined> {
  const begun = await begin(context, call);
  if ('status' in begun) throw deniedError(begun.refusal, begun.entryId);
  // A consumer that stops early is no error of the tool; only what it throws itself is.
  let outcome: Outcome<undefined> = { status: 'ok', value: undefined };
  let end: { readonly unlogged?: true } = {};
  try {
    yield* await start(begun, execute);
  } catch (error) {
    outcome = { status: 'error', error };
    throw error;
  } finally {
    const concluded = await conclude(context, begun, outcome);
    if ('unlogged' in concluded) end = { unlogged: true };
  }
  return end;
}

async function check(context: GuardContext, call: ToolCall): Promise<Decision> {
  const decided = await decide(context, call);
  if (decided.denied === undefined || observed(context, decided, decided.denied) !== undefined) return { allowed: true };
  const { status: _, ...refused } = await refuse(context, call, decided.denied);
  return { allowed: false, ...refused };
}

/** A call that may run: decided, reserved and durably recorded. */
type Begun = {
  readonly call: CopiedCall;
  readonly input: JsonObject;
  readonly grant: Grant;
  readonly running: RunningCall;
  readonly shared: SharedEntry;
  readonly appended: AppendedEntry;
};

async function begin(context: GuardContext, call: ToolCall): Promise<Begun | Denied> {
  const decided = await decide(context, call);
  const reserved = decided.permit === undefined ? decided : await reserve(decided.permit, context.reservations);
  const granted = reserved.denied === undefined ? { grant: reserved as Grant } : observed(context, decided, reserved.denied);
  if (granted === undefined) return refuse(context, call, reserved.denied as Denial);
  const { grant } = granted;
  const copied = decided.call as CopiedCall;
  const shared = callEntry(subjectOf(context), copied);
  const appended = await settle(() => context.log.append(requestEntry(shared, copied, granted.instead)));
  // Durable before any effect: a call that could not be recorded is not run.
  if (appended.status === 'error') return giveBack(context, { call, grant, denial: deny('LOG_UNAVAILABLE') });
  const running = watchCall(grant, copied.signal);
  const begun = { call: copied, input: secondCopy(copied), grant, running, shared, appended: appended.value };
  const ended = endedCode(grant);
  if (ended === undefined) return begun;
  // Revoked while the log wrote. The request stands in the log, so it gets its result.
  running.stop();
  await settle(() => context.log.append(resultEntry(begun, notStarted, { cancelled: true, revoked: true })));
  return giveBack(context, { call, grant, denial: deny(ended, { cap: grant.cap }) });
}

const notStarted: Outcome<never> = { status: 'error', error: undefined };

async function giveBack(
  context: GuardContext,
  { call, grant, denial }: { readonly call: ToolCall; readonly grant: Grant; readonly denial: Denial },
): Promise<Denied> {
  await settle(() => settleGrant(grant));
  return refuse(context, call, denial);
}

/** What a guard that only observes does in place of refusing. */
function observed({ observe }: GuardContext, { call, handle }: Decided, denial: Denial): { readonly grant: Grant; readonly instead?: Denial } | undefined {
  const grant = observe === undefined || handle === undefined || call === undefined ? undefined : observe.grant({ handle, tool: call.tool, denial });
  return grant === undefined ? undefined : { grant, instead: denial };
}

type Decided =
  | { readonly call: CopiedCall; readonly handle: CapabilityHandle; readonly permit: Permit; readonly denied?: undefined }
  | { readonly call?: CopiedCall; readonly handle?: CapabilityHandle; readonly permit?: undefined; readonly denied: Denial };

async function decide(context: GuardContext, call: ToolCall): Promise<Decided> {
  requireObject('call', call);
  const copied = copyToolCall(call);
  if (copied.denied !== undefined) return copied;
  // Whatever goes wrong in here, the answer is no.
  let admitted;
  try {
    admitted = await context.admit();
  } catch {
    return { denied: deny('MALFORMED') };
  }
  if ('denied' in admitted) return admitted;
  const { handle } = admitted;
  const permit = authorize(handle, copied.call);
  const asked = { call: copied.call, handle };
  return permit.denied === undefined ? { ...asked, permit } : { ...asked, denied: permit.denied };
}

async function refuse(context: GuardContext, call: ToolCall, denial: Denial): Promise<Denied> {
  const logged = await settle(() => context.log.append(refusalEntry(subjectOf(context), call, denial)));
  const base = { status: 'denied', denial, refusal: refusalOf(denial) } as const;
  return logged.status === 'ok' ? { ...base, entryId: logged.value.id } : base;
}

async function conclude<T>(context: GuardContext, begun: Begun, outcome: Outcome<T>): Promise<GuardedResult<T>> {
  const { running, grant } = begun;
  running.stop();
  // A failure leaves the limits reserved: a loss, never a gain, and the tool's result is not lost with it.
  await settle(() => settleGrant(grant));
  const revoked = running.revoked();
  const cancelled = begun.call.signal?.aborted === true || revoked;
  const logged = await settle(() => context.log.append(resultEntry(begun, outcome, { cancelled, revoked })));
  return { ...outcome, entryId: begun.appended.id, ...(logged.status === 'error' && { unlogged: true }) };
}

async function settle<T>(act: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { status: 'ok', value: await act() };
  } catch (error) {
    return { status: 'error', error };
  }
}

/** Spent first: whatever the tool does with its grant, it runs once. */
function start<T>(begun: Begun, execute: Execute<T>): T | Promise<T> {
  spendGrant(begun.grant);
  return execute(begun.input, begun.grant, begun.running.signal);
}

/** The tool gets a copy of its own: it may change what it was given, and the decision must not change with it. */
function secondCopy(call: CopiedCall): JsonObject {
  return (copyPlainObject(call.input) as { readonly copy: JsonObject }).copy;
}

function subjectOf(context: GuardContext): CallSubject {
  return { agent: context.agent, capabilityHash: context.capabilityHash };
}
