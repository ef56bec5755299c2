/** Talos for the OpenAI Agents SDK: `talosGuard`. @module */
export type { GuardRemote } from './guard-remote.ts';
export { talosGuard, type TalosGuard, type TalosGuardOptions } from './talos-guard.ts';
export { toolDigests } from './tool-digests.ts';
