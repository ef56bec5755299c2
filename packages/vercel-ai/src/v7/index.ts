/** Talos for AI SDK 7, under a name that stays when there is an 8. @module */
export { talosGuard, talosPolicy, talosTelemetry, type GuardedSettings, type GuardParts, type TalosGuard, type TalosGuardOptions } from '../talos-guard.ts';
export type { AgentLike } from '../guard-handoff.ts';
export type { ModelLike } from '../guard-model.ts';
export type { RunTelemetry } from '../run-telemetry.ts';
export type { ApprovalCall, ApprovalStatus, ToolApproval } from '../tool-approval.ts';
export { toolDigests } from '../tool-definition.ts';
