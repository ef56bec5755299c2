export type { ApprovalInterrupt } from './ask-people.ts';
export type { SubagentLike } from './guard-subagent.ts';
export type { GuardableTool } from './guard-tool.ts';
export type { GuardRemote } from './guard-remote.ts';
export type { RunCapability } from './run-capability.ts';
export { TalosCallbackHandler, type HandlerOptions } from './talos-callback-handler.ts';
export { talosGuard, type TalosGuard, type TalosGuardOptions } from './talos-guard.ts';
export type { MiddlewareOptions, ModelRequestLike, TalosMiddleware, ToolRequest } from './talos-middleware.ts';
export { toolDigests } from './tool-definition.ts';
