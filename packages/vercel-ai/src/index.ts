/** Talos for the AI SDK: `talosGuard`. @module */
export type { AgentLike } from './guard-handoff.ts';
export type { ModelLike } from './guard-model.ts';
export type { GuardRemote } from './guard-remote.ts';
export type { RunTelemetry } from './run-telemetry.ts';
export { talosGuard, talosPolicy, talosTelemetry, type GuardedSettings, type GuardParts, type TalosGuard, type TalosGuardOptions } from './talos-guard.ts';
export type { ApprovalCall, ApprovalStatus, ToolApproval } from './tool-approval.ts';
export { toolDigests } from './tool-definition.ts';
