/** Puts the turns of an agent's model on record, as commitments. It stops nothing that a guard would stop: by then tools may have started. @module */
import type { Guard } from '@talosprotocol/core/guard';
import { runOf, type StepOfRun } from './runs.ts';

type Call = { readonly toolName?: unknown; readonly toolCallId?: unknown; readonly args?: unknown };
type Step = StepOfRun & {
  readonly finishReason?: string;
  readonly toolCalls?: readonly Call[];
  readonly text?: string;
  readonly messages?: unknown;
};

/** As much of Mastra's `Processor` as is used. */
export type TurnRecorder = {
  readonly id: string;
  readonly name: string;
  processOutputStep(step: never): Promise<never>;
};

export function turnRecorder({ guard, agent }: { readonly guard: Guard; readonly agent: string | undefined }): TurnRecorder {
  return {
    id: 'talos-turns',
    name: 'Talos',
    processOutputStep: async ({ finishReason, toolCalls = [], text = '', messages, ...step }: Step) => {
      const calls = toolCalls.map(({ toolName, toolCallId }) => ({ tool: String(toolName), callId: String(toolCallId) }));
      const output = { text, calls: toolCalls.map(({ toolName, args }) => ({ toolName, args })) };
      const outcome = finishReason === 'error' ? 'error' : 'ok';
      // A throw ends the run: what cannot be recorded does not go on.
      await guard.record({ type: 'model.turn', runId: runOf(step), agentName: agent, framework: 'mastra', calls, outcome, output });
      return messages as never;
    },
  };
}
