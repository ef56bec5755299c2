export { askPeople, type ApprovalPause, type Asking } from './ask-people.ts';
export type { AgentEvent, TurnCall } from './agent-event.ts';
export { createGuard, type Decision, type Denied, type Execute, type Guard, type GuardContext, type GuardedResult } from './guard.ts';
export type { Outcome } from './call-entries.ts';
export { openGuard, type GuardSource } from './open-guard.ts';
export { deniedError, type Refusal } from './refusal.ts';
export type { ToolCall } from './tool-call.ts';
export { recordedCalls, type OpenedEntry } from './recorded-calls.ts';
export { tracedGuard, type CallSpan, type CallTracer, type Spans } from './traced-guard.ts';
