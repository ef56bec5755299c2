export type { GuardableTool } from './guard-tool.ts';
export { TalosCallbackHandler } from './talos-callback-handler.ts';
export type { GuardRemote } from './guard-remote.ts';
export { talosGuard, type ObserveUntil, type TalosGuard, type TalosGuardOptions } from './talos-guard.ts';
export { toolDigests } from './tool-definition.ts';
