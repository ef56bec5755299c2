/** Talos for the OpenAI Agents SDK: `talosGuard`. @module */
export { talosGuard, type ObserveUntil, type TalosGuard, type TalosGuardOptions } from './talos-guard.ts';
export { toolDigests } from './tool-digests.ts';
