/**
 * What stands before every tool of an agent's run: those of its config, of toolsets and clients, sub-agents, workflows, memory, workspace.
 * A processor sees all of them in each step and puts the guard before those that have none; a hook refuses a call that came past the processor.
 * @module
 */
import { UsageError } from '@talosprotocol/core/errors';
import type { Caller } from './caller.ts';
import { guardExecute, isGuardedBy, type Execute } from './guard-execute.ts';
import { runOf, type StepOfRun } from './runs.ts';
import { isSealed } from './tool-seal.ts';
import type { ToolShape } from './tool-shape.ts';

type StepArgs = StepOfRun & { readonly tools?: Readonly<Record<string, unknown>> };
type HookContext = { readonly toolName: string; readonly context?: unknown };

export type AgentGate = {
  readonly processor: { readonly id: string; readonly name: string; processInputStep(args: StepArgs): { readonly tools?: Record<string, unknown> } };
  readonly beforeToolCall: (call: HookContext) => void;
};

/** Contexts of calls that came through a processor's tools: Mastra hands the same object on to its hooks. */
export type Admitted = WeakSet<object>;

export function agentGate({
  caller,
  agent,
  admitted,
}: {
  readonly caller: Caller;
  readonly agent: string | undefined;
  readonly admitted: Admitted;
}): AgentGate {
  const gated = (tool: unknown, { name, runId }: { readonly name: string; readonly runId: string | undefined }): unknown => {
    const { guard } = caller;
    const shape = (typeof tool === 'object' && tool !== null ? tool : {}) as ToolShape;
    // Without one it runs at the caller, or at the provider.
    if (typeof shape.execute !== 'function') return tool;
    const own = shape.execute as Execute;
    // From the step before.
    if (isGuardedBy(own, { guard, name })) return tool;
    const execute: Execute = function (this: unknown, input, context) {
      const known = typeof context === 'object' && context !== null ? context : {};
      admitted.add(known);
      return own.call(this, input, known);
    };
    if (isSealed(shape, { guard, name })) return { ...shape, execute };
    return { ...shape, execute: guardExecute({ caller, name, tool: shape, execute, validates: false, ids: { runId, agentName: agent } }) };
  };
  return {
    processor: {
      id: 'talos-gate',
      name: 'Talos',
      processInputStep: ({ tools, ...step }) => {
        if (tools === undefined) return {};
        const runId = runOf(step);
        return { tools: Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, gated(tool, { name, runId })])) };
      },
    },
    beforeToolCall: ({ toolName, context }) => {
      if (typeof context === 'object' && context !== null && admitted.has(context)) return;
      throw new UsageError({
        code: 'TALOS_USAGE_UNKNOWN_TOOL',
        message: `"${toolName}" was called past the guard: give the options of a run that replaces inputProcessors to guard.options().`,
      });
    },
  };
}
