/** A guard whose calls show as OpenTelemetry spans, with the names of its conventions for generative AI. It decides nothing and keeps nothing. @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import { TalosDeniedError } from '../errors/denied-error.ts';
import type { Guard, GuardedResult } from './guard.ts';
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

/** `SpanStatusCode.ERROR`. */
const statusError = 2;

/** Of what a tool throws the span has the name alone: messages repeat arguments. */
export function tracedGuard(guard: Guard, spans: Spans): Guard {
  const open = <T>(call: ToolCall, within: (span: CallSpan) => T): T =>
    spans.tracer.startActiveSpan(`execute_tool ${call.tool}`, { attributes: attributesOf(call, spans) }, within);
  return {
    agent: guard.agent,
    run: (call, execute) => open(call, async (span) => ended(span, guard.run(call, execute))),
    async *iterate(call, execute) {
      const span = open(call, (opened) => opened);
      try {
        const end = yield* guard.iterate(call, execute);
        span.setAttribute('talos.decision', 'allow');
        return end;
      } catch (error) {
        failed(span, error);
        throw error;
      } finally {
        span.end();
      }
    },
    check: (call) => guard.check(call),
    record: (event) => guard.record(event),
  };
}

async function ended<T>(span: CallSpan, running: Promise<GuardedResult<T>>): Promise<GuardedResult<T>> {
  try {
    const result = await running;
    if (result.entryId !== undefined) span.setAttribute('talos.entry.id', result.entryId);
    if (result.status === 'denied') {
      span.setAttribute('talos.decision', 'deny');
      span.setAttribute('talos.denial.code', result.refusal.code);
      return result;
    }
    span.setAttribute('talos.decision', 'allow');
    if (result.status === 'error') errorOf(span, result.error);
    return result;
  } finally {
    span.end();
  }
}

function failed(span: CallSpan, error: unknown): void {
  const denied = TalosDeniedError.isInstance(error);
  span.setAttribute('talos.decision', denied ? 'deny' : 'allow');
  if (denied) span.setAttribute('talos.denial.code', error.denialCode);
  else errorOf(span, error);
}

function errorOf(span: CallSpan, error: unknown): void {
  span.setAttribute('error.type', error instanceof Error ? error.name : '_OTHER');
  span.setStatus({ code: statusError });
}

function attributesOf({ tool, callId, agentName, input }: ToolCall, spans: Spans): Record<string, string> {
  return {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': tool,
    ...(callId === undefined ? {} : { 'gen_ai.tool.call.id': callId }),
    ...(agentName === undefined ? {} : { 'gen_ai.agent.name': agentName }),
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
