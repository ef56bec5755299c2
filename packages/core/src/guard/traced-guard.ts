/** A guard whose calls show as OpenTelemetry spans, with the names of its conventions for generative AI. It decides nothing and keeps nothing. @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import { TalosDeniedError } from '../errors/denied-error.ts';
import { recordable } from './call-entries.ts';
import type { Denied, Guard, GuardedResult } from './guard.ts';
import type { ToolCall } from './tool-call.ts';

/** As much of a `Span` of `@opentelemetry/api` as is used here. */
export interface CallSpan {
  setAttribute(name: string, value: string): unknown;
  setStatus(status: { readonly code: number }): unknown;
  end(): void;
}

/** As much of its `Tracer`: pass `trace.getTracer('…')`. Nothing of OpenTelemetry is imported. */
export interface CallTracer {
  startActiveSpan<T>(name: string, options: { readonly attributes: Record<string, string> }, within: (span: CallSpan) => T): T;
}

export type Spans = {
  readonly tracer: CallTracer;
  /** Puts the arguments of calls into their spans, which leave the process. Default false. */
  readonly arguments?: boolean;
};

/** In place of a name that is none. */
const unnamed = '_OTHER';

/** `SpanStatusCode.ERROR`. */
const statusError = 2;

/** Of what a tool throws the span has the name alone: messages repeat arguments. A refusal is an error of the call: it did not run. */
export function tracedGuard(guard: Guard, spans: Spans): Guard {
  return {
    agent: guard.agent,
    run: (call, execute) => open(spans, call, async (span) => ended(span, guard.run(call, execute))),
    async *iterate(call, execute) {
      const span = open(spans, call, (opened) => opened);
      try {
        const end = yield* guard.iterate(call, execute);
        allowed(span);
        return end;
      } catch (error) {
        failed(span, error);
        throw error;
      } finally {
        span.end();
      }
    },
    check: async (call) => {
      const decision = await guard.check(call);
      // An allow permits nothing: the wrapped tool decides again, in a span of its own.
      if (!decision.allowed) open(spans, call, (span) => endRefused(span, decision));
      return decision;
    },
    record: (event) => guard.record(event),
  };
}

/** A call that a guard elsewhere decides. A refusal is thrown; of any other error nobody here knows what was decided. */
export function inSpan<T>(spans: Spans, call: ToolCall, run: () => Promise<T>): Promise<T> {
  return open(spans, call, async (span) => {
    try {
      const value = await run();
      allowed(span);
      return value;
    } catch (error) {
      if (TalosDeniedError.isInstance(error)) failed(span, error);
      else errorOf(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

function open<T>(spans: Spans, call: ToolCall, within: (span: CallSpan) => T): T {
  const { tool = unnamed } = recordable('tool', call.tool);
  return spans.tracer.startActiveSpan(`execute_tool ${tool}`, { attributes: attributesOf(call, spans, tool) }, within);
}

async function ended<T>(span: CallSpan, running: Promise<GuardedResult<T>>): Promise<GuardedResult<T>> {
  try {
    const result = await running;
    if (result.status === 'denied') refused(span, result.refusal.code);
    else allowed(span);
    if (result.entryId !== undefined) span.setAttribute('talos.entry.id', result.entryId);
    if (result.status === 'error') errorOf(span, result.error);
    return result;
  } finally {
    span.end();
  }
}

function endRefused(span: CallSpan, { refusal, entryId }: Pick<Denied, 'refusal' | 'entryId'>): void {
  refused(span, refusal.code);
  if (entryId !== undefined) span.setAttribute('talos.entry.id', entryId);
  span.end();
}

function failed(span: CallSpan, error: unknown): void {
  if (TalosDeniedError.isInstance(error)) {
    if (error.entryId !== undefined) span.setAttribute('talos.entry.id', error.entryId);
    return refused(span, error.denialCode);
  }
  allowed(span);
  errorOf(span, error);
}

function allowed(span: CallSpan): void {
  span.setAttribute('talos.decision', 'allow');
}

function refused(span: CallSpan, code: string): void {
  span.setAttribute('talos.decision', 'deny');
  span.setAttribute('talos.denial.code', code);
  fault(span, 'TalosDeniedError');
}

function errorOf(span: CallSpan, error: unknown): void {
  fault(span, error instanceof Error ? error.name : unnamed);
}

function fault(span: CallSpan, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: statusError });
}

/** Names that a model made up could carry anything: as in the log, they are shown only when they look like names. */
function attributesOf({ callId, agentName, input }: ToolCall, spans: Spans, shown: string): Record<string, string> {
  return {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': shown,
    ...recordable('gen_ai.tool.call.id', callId),
    ...recordable('gen_ai.agent.name', agentName),
    ...(spans.arguments === true ? { 'gen_ai.tool.call.arguments': textOf(input) } : {}),
  };
}

/** What is no plain JSON will be refused; a span must not be the place where that throws. */
function textOf(input: unknown): string {
  try {
    return canonicalJson(input as Parameters<typeof canonicalJson>[0]);
  } catch {
    return '(no plain JSON)';
  }
}
