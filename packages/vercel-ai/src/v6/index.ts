/** Talos for AI SDK 6: the same guard without what that version does not ask. @module */
import { guardParts, type GuardParts, type TalosGuardOptions } from '../talos-guard.ts';
import type { Tools } from '../guard-tools.ts';

export type { AgentLike } from '../guard-handoff.ts';
export type { ModelLike } from '../guard-model.ts';
export type { TalosGuardOptions } from '../talos-guard.ts';
export { toolDigests } from '../tool-definition.ts';

export interface TalosGuard extends Omit<GuardParts, 'telemetry'> {
  /** To spread: guarded tools alone. AI SDK 6 ignores a `toolApproval` in silence, so none is given. */
  <TOOLS extends Tools>(settings: { readonly tools: TOOLS }): { readonly tools: TOOLS };
}

/** One guard for one capability. A refusal is a `tool-error` part whose error is a `TalosDeniedError`. */
export function talosGuard(options: TalosGuardOptions): TalosGuard {
  const parts = guardParts(options);
  const settings = <TOOLS extends Tools>(given: { readonly tools: TOOLS }): { readonly tools: TOOLS } => ({ tools: parts.tools(given.tools) });
  return Object.assign(settings, { tools: parts.tools, model: parts.model, handoff: parts.handoff, remote: parts.remote });
}
