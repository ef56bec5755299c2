/** Talos for Mastra: `talosGuard`. @module */
export { requestContextKeys } from './request-context.ts';
export type { GuardRemote } from './guard-remote.ts';
export type { GuardSubAgent, SubAgentOptions } from './guard-subagent.ts';
export { talosGuard, type TalosGuard, type TalosGuardOptions } from './talos-guard.ts';
export type { HonoContext, HonoMiddleware, MiddlewareOptions } from './middleware.ts';
export { toolDigests } from './tool-definition.ts';
export type { AgentConfigLike, RunOptionsLike } from './guard-agent.ts';
export type { TurnRecorder } from './turn-recorder.ts';
