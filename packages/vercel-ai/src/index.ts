/** Talos for the AI SDK: `talosGuard`. @module */
export type { GuardRemote } from './guard-remote.ts';
export { talosGuard, type GuardedSettings, type TalosGuard, type TalosGuardOptions } from './talos-guard.ts';
export type { ApprovalCall, ApprovalStatus, ToolApproval } from './tool-approval.ts';
